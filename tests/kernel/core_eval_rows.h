/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rows of user space made of the words of a call, for core_eval.h. */
#ifndef WEIR_TESTS_CORE_EVAL_ROWS_H
#define WEIR_TESTS_CORE_EVAL_ROWS_H

#include "../../maps/abi/service.h"

static inline struct weir_slot_set core_set(const __u64* in) {
    struct weir_slot_set set = {(__u32)in[0], (__u32)in[1]};
    return set;
}

static inline struct weir_svc_settings core_settings(const __u64* in) {
    struct weir_svc_settings settings = {};
    settings.algorithm = in[0];
    settings.both = core_set(in + 1);
    settings.v4 = core_set(in + 3);
    settings.v6 = core_set(in + 5);
    return settings;
}

#endif
