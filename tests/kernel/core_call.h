/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which function of bpf/core to call, with what, and what it gave: the data of core_eval.h. */
#ifndef WEIR_TESTS_CORE_CALL_H
#define WEIR_TESTS_CORE_CALL_H

#include <linux/types.h>

enum core_operation {
    CORE_ADDR_FROM_V4,
    CORE_ADDR_IS_V4,
    CORE_ADDR_IS_ANY,
    CORE_ADDR_EQUAL,
    CORE_REACH,
    CORE_DESTINATION,
    CORE_PUBLISHED_ENCODE,
    CORE_PUBLISHED_DECODE,
    CORE_SLOTS_IN_REACH,
    CORE_VIP_FILTER_BIT,
    CORE_VIP_FILTER_WORD,
    CORE_VIP_FILTER_MASK,
    CORE_RANDOM_CELL,
    CORE_RANDOM_FRACTION,
    CORE_ALIAS_CELL,
    CORE_ALIAS_PICK,
    CORE_PACKED_WORD,
    CORE_PACKED_INDEX,
    CORE_SLOT_WORDS,
    CORE_PHASE_BEFORE,
    CORE_PHASE_AFTER,
    CORE_END_OF,
    CORE_CUT_OFF_BY,
    CORE_LATENCY_BUCKET,
    CORE_SEGMENT,
    CORE_SAMPLED_AFTER,
    CORE_INHERIT_WORKLOAD,
    CORE_UDP_FLOW,
    CORE_CHOICE,
    CORE_OPERATIONS
};

struct core_call {
    __u64 operation;
    __u64 in[8];
    __u64 out[4];
};

#endif
