/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls of bpf/core that choose an endpoint or a mode, as data, for core_eval.h. */
#ifndef WEIR_TESTS_CORE_EVAL_CHOICE_H
#define WEIR_TESTS_CORE_EVAL_CHOICE_H

#include "../../bpf/core/ask.h"
#include "../../bpf/core/client.h"
#include "../../bpf/core/connection.h"
#include "../../bpf/core/consistent_hash.h"
#include "../../bpf/core/deadline.h"
#include "../../bpf/core/health.h"
#include "../../bpf/core/least_connections.h"
#include "../../bpf/core/least_latency.h"
#include "../../bpf/core/mode.h"
#include "../../bpf/core/own_fault.h"
#include "../../bpf/core/pick.h"
#include "../../bpf/core/rate_limit.h"
#include "../../bpf/core/slow_start.h"
#include "../../bpf/core/subset.h"
#include "../../bpf/core/try_mark.h"

enum core_choice {
    CHOICE_MIX64,
    CHOICE_ENDPOINT_SEED,
    CHOICE_CLIENT_KEY,
    CHOICE_LOG2,
    CHOICE_RENDEZVOUS_COST,
    CHOICE_RENDEZVOUS_WINS,
    CHOICE_NEXT_RANDOM,
    CHOICE_LEAST,
    CHOICE_WEIGHTED_CELL,
    CHOICE_LATENCY_AFTER,
    CHOICE_QUICKER,
    CHOICE_SLOW_START,
    CHOICE_RATE,
    CHOICE_IS_OFF,
    CHOICE_MODE,
    CHOICE_SLOT_SET,
    CHOICE_GROUP_WORD,
    CHOICE_GROUP_AFTER,
    CHOICE_REACH_IN_GROUP,
    CHOICE_EVEN_TURN,
    CHOICE_GROUP_TURN,
    CHOICE_POINT_AMONG,
    CHOICE_COHORT_KEY,
    CHOICE_ASK_AT,
    CHOICE_ASK_IS_OPEN,
    CHOICE_ASK_WAITED,
    CHOICE_ASK_SENT,
    CHOICE_ASK_SAID,
    CHOICE_TRY_MARK,
    CHOICE_UNTIL,
    CHOICE_FLOW_MODE,
    CHOICE_FAILING_AFTER,
    CHOICE_OWN_FAULT,
    CHOICE_USER_TIMEOUT,
    CHOICE_GAVE_UP,
    CHOICES
};

/* in: best active and weight, offered active and weight, random. */
static inline __u64 core_eval_least(const __u64* in) {
    struct weir_least best = {in[0], ((__u32)in[1] & 0xfffff) | !in[1], 7, in[1] & 0xfffff};
    weir_least_offer(&best, 9, (in[3] & 0xfffff) | 1, in[2] & 0xffffffff, in[4]);
    return best.index;
}

/* in: two endpoints, each as time, connections and weight, and whether its answers are known. */
static inline __u64 core_eval_quicker(const __u64* in) {
    struct weir_candidate a = {(__u32)in[0] & WEIR_LATENCY_MOST_US, (__u32)(in[0] >> 63),
                               (__u32)in[1], (__u32)(in[1] >> 38) | 1};
    struct weir_candidate b = {(__u32)in[2] & WEIR_LATENCY_MOST_US, (__u32)(in[2] >> 63),
                               (__u32)in[3], (__u32)(in[3] >> 38) | 1};
    return weir_is_quicker(a, b, in[0] >> 62 & 1);
}

/* in: the question, then its arguments. */
static inline __u64 core_eval_choice(const __u64* in) {
    struct weir_addr addr = {
        {(__u32)(in[1] >> 32), (__u32)in[1], (__u32)(in[2] >> 32), (__u32)in[2]}};
    switch (in[0] % CHOICES) {
        case CHOICE_MIX64: return weir_mix64(in[1]);
        case CHOICE_ENDPOINT_SEED: return weir_endpoint_seed(&addr, in[3]);
        case CHOICE_CLIENT_KEY: return weir_client_key(&addr, in[3], in[4], in[5]);
        case CHOICE_LOG2: return weir_log2((__u32)in[1] ? in[1] : 1);
        case CHOICE_RENDEZVOUS_COST: return weir_rendezvous_cost(in[1], in[2]);
        case CHOICE_RENDEZVOUS_WINS: return weir_rendezvous_wins(in[1], in[2], in[3], in[4]);
        case CHOICE_NEXT_RANDOM: return weir_next_random(in[1]);
        case CHOICE_LEAST: return core_eval_least(in + 1);
        case CHOICE_WEIGHTED_CELL: {
            __u64 cell = weir_weighted_cell(in[1], in[2]);
            return (__u64)weir_cell_weight(cell) << 32 | weir_cell_index(cell);
        }
        case CHOICE_LATENCY_AFTER:
            return weir_latency_after(in[1], in[2], in[2] >> 32 & WEIR_LATENCY_GUESSED, in[3]);
        case CHOICE_QUICKER: return core_eval_quicker(in + 1);
        case CHOICE_SLOW_START:
            return weir_slow_start_share(in[1] >> 20, in[2] >> 20, (in[3] & 0xfffff) | 1);
        case CHOICE_RATE: return weir_rate_after(in[1] >> 8, in[2] >> 8, (__u32)in[3] | 1, in[4]);
        case CHOICE_SLOT_SET: return weir_slot_set_pack(weir_slot_set_unpack(in[1]));
        case CHOICE_GROUP_WORD: return weir_group_word(weir_group_of(in[1], in[2]), in[3]);
        case CHOICE_GROUP_AFTER:
            return weir_group_after(in[1] & 1 ? weir_group_after(in[1]) : (__u32)in[1]);
        case CHOICE_REACH_IN_GROUP: {
            __u32 both = weir_reach_in_group(in[1] & 3, in[2] & 0xff);
            return (__u64)weir_group_of_reach(both) << 32 | weir_reach_of(both);
        }
        case CHOICE_EVEN_TURN: return weir_even_turn(in[1]);
        case CHOICE_GROUP_TURN: return weir_group_turn(in[1], in[2]);
        case CHOICE_POINT_AMONG: return weir_point_among(in[1], in[2]);
        case CHOICE_COHORT_KEY: return weir_cohort_key(in[1]);
        case CHOICE_ASK_AT: return weir_ask_at(in[1]);
        case CHOICE_ASK_IS_OPEN: return weir_ask_is_open(in[1]);
        case CHOICE_ASK_WAITED: return weir_ask_waited_ms(in[1], in[2]);
        case CHOICE_ASK_SENT: return weir_ask_sent_ns(in[1], in[2]);
        case CHOICE_ASK_SAID: return (__u64)weir_ask_bit_of(in[1]) << 32 | weir_ask_failure(in[2]);
        case CHOICE_TRY_MARK: return weir_try_mark(in[1], in[2]);
        case CHOICE_UNTIL:
            return weir_until_next_try(weir_until_given_back(in[1], in[2] >> 8), in[3] >> 8, in[4]);
        case CHOICE_FLOW_MODE: {
            __u16 mode = weir_flow_mode(in[1] & 3, in[2] & WEIR_TRY_MARKS);
            return (__u64)weir_flow_mark(mode) << 32 | weir_mode_of_flow(mode);
        }
        case CHOICE_FAILING_AFTER:
            return weir_failing_after(in[1], in[2] >> 8, in[3] >> 8) |
                   (__u64)weir_failing_since(in[2]) << 32;
        case CHOICE_OWN_FAULT:
            return (__u64)weir_vouch_wanted_after(in[1]) << 32 |
                   weir_is_endpoints_fault(in[1], in[2]);
        case CHOICE_USER_TIMEOUT:
            return weir_user_timeout_ms(in[1], weir_first_timeout_ms(in[2], in[3], in[4] & 1));
        case CHOICE_GAVE_UP: return weir_gave_up_on_silence(in[1] & 3, in[2] & 1, in[3] & 3, in[4]);
        case CHOICE_IS_OFF: return weir_is_off(in[1], in[2]);
        default: return weir_mode_of_all(in[1], in[2], in[3]);
    }
}

#endif
