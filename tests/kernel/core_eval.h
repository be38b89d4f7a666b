/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One call of one function of bpf/core, as data: the same code runs natively and in the kernel, so
 * one table of cases tests both. Every function of bpf/core has an operation here.
 */
#ifndef WEIR_TESTS_CORE_EVAL_H
#define WEIR_TESTS_CORE_EVAL_H

#include "../../bpf/core/addr.h"
#include "../../bpf/core/cgroup_path.h"
#include "../../bpf/core/connection.h"
#include "../../bpf/core/destination.h"
#include "../../bpf/core/latency.h"
#include "../../bpf/core/pick.h"
#include "../../bpf/core/published.h"
#include "../../bpf/core/vip_filter.h"
#include "core_call.h"
#include "core_eval_choice.h"
#include "core_eval_rows.h"
#include "core_eval_udp.h"

static inline struct weir_addr core_addr(__u64 high, __u64 low) {
    struct weir_addr addr = {{(__u32)(high >> 32), (__u32)high, (__u32)(low >> 32), (__u32)low}};
    return addr;
}

static inline void core_eval_addr(struct core_call* call) {
    struct weir_addr a = core_addr(call->in[0], call->in[1]),
                     b = core_addr(call->in[2], call->in[3]);
    switch (call->operation) {
        case CORE_ADDR_FROM_V4:
            a = weir_addr_from_v4(call->in[0]);
            call->out[0] = (__u64)a.w[0] << 32 | a.w[1];
            call->out[1] = (__u64)a.w[2] << 32 | a.w[3];
            break;
        case CORE_ADDR_IS_V4: call->out[0] = weir_addr_is_v4(&a); break;
        case CORE_ADDR_IS_ANY: call->out[0] = weir_addr_is_any(&a); break;
        case CORE_ADDR_EQUAL: call->out[0] = weir_addr_equal(&a, &b); break;
        case CORE_DESTINATION: call->out[0] = weir_destination(&a); break;
        case CORE_REACH: call->out[0] = weir_reach_of_v6_socket(call->in[2], &a); break;
    }
}

static inline void core_eval_published(struct core_call* call) {
    struct weir_published published = weir_published_decode(call->in[0]);
    struct weir_svc_settings settings = core_settings(call->in + 1);
    switch (call->operation) {
        case CORE_PUBLISHED_ENCODE:
            call->out[0] = weir_published_encode(call->in[0], call->in[1], call->in[2]);
            break;
        case CORE_PUBLISHED_DECODE:
            call->out[0] = published.offset;
            call->out[1] = published.settings;
            call->out[2] = published.generation;
            break;
        case CORE_SLOTS_IN_REACH: {
            struct weir_slot_set slots =
                weir_slots_in_reach(&published, &settings, settings.algorithm);
            call->out[0] = slots.offset;
            call->out[1] = slots.count;
            break;
        }
    }
}

static inline void core_eval_vip_filter(struct core_call* call) {
    struct weir_vip_key key = {core_addr(call->in[0], call->in[1]), (__be16)call->in[2],
                               (__u8)call->in[3], 0};
    switch (call->operation) {
        case CORE_VIP_FILTER_BIT: call->out[0] = weir_vip_filter_bit(&key); break;
        case CORE_VIP_FILTER_WORD: call->out[0] = weir_vip_filter_word(call->in[0]); break;
        case CORE_VIP_FILTER_MASK: call->out[0] = weir_vip_filter_mask(call->in[0]); break;
    }
}

static inline void core_eval_pick(struct core_call* call) {
    const __u64* in = call->in;
    switch (call->operation) {
        case CORE_RANDOM_CELL: call->out[0] = weir_random_cell(in[0], in[1]); break;
        case CORE_RANDOM_FRACTION: call->out[0] = weir_random_fraction(in[0], in[1]); break;
        case CORE_ALIAS_CELL: call->out[0] = weir_alias_cell(in[0], in[1], in[2]); break;
        case CORE_ALIAS_PICK: call->out[0] = weir_alias_pick(in[0], in[1]); break;
        case CORE_PACKED_WORD: call->out[0] = weir_packed_word(in[0]); break;
        case CORE_PACKED_INDEX: call->out[0] = weir_packed_index(in[0], in[1]); break;
        case CORE_SLOT_WORDS: call->out[0] = weir_slot_words(in[0], in[1]); break;
    }
}

static inline void core_eval_life(struct core_call* call) {
    switch (call->operation) {
        case CORE_PHASE_BEFORE: call->out[0] = weir_phase_before(call->in[0]); break;
        case CORE_PHASE_AFTER: call->out[0] = weir_phase_after(call->in[0]); break;
        case CORE_END_OF:
            call->out[0] = weir_end_of(call->in[0], call->in[1], call->in[2]);
            call->out[1] = weir_failure_of(call->in[0], call->in[1]);
            break;
        case CORE_CUT_OFF_BY:
            call->out[0] = weir_cut_off_by(call->in[0], call->in[1], call->in[2]);
            break;
        case CORE_LATENCY_BUCKET:
            call->out[0] = weir_latency_bucket(call->in[0]);
            call->out[1] = weir_latency_floor_us(call->out[0]);
            break;
        case CORE_SAMPLED_AFTER: call->out[0] = weir_sampled_after(call->in[0], call->in[1]); break;
        case CORE_SEGMENT: {
            struct weir_segment segment = {
                (__u32)call->in[0], (__u32)call->in[1], (__u32)call->in[2], (__u32)call->in[3],
                (__u32)call->in[4], (__u32)call->in[5], call->in[6],        call->in[7]};
            call->out[0] = weir_segment_is(&segment);
            break;
        }
        case CORE_INHERIT_WORKLOAD: {
            struct weir_workload pattern = {(__u32)call->in[1], 1, 0},
                                 parent = {(__u32)call->in[3], 2, 0};
            struct weir_workload made =
                weir_inherit_workload(call->in[0] & 1, pattern, call->in[2] & 1, parent);
            call->out[0] = made.id;
            call->out[1] = made.mode;
            break;
        }
    }
}

static inline void core_eval(struct core_call* call) {
    core_eval_addr(call);
    core_eval_published(call);
    core_eval_vip_filter(call);
    core_eval_pick(call);
    core_eval_life(call);
    if (call->operation == CORE_UDP_FLOW)
        call->out[0] = core_eval_flow(call->in);
    if (call->operation == CORE_CHOICE)
        call->out[0] = core_eval_choice(call->in);
}

#endif
