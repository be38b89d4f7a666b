/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether something is one of so many that are looked at closer. */
#ifndef WEIR_SAMPLE_BPF_H
#define WEIR_SAMPLE_BPF_H

#include "maps.bpf.h"

/* 1 for one of `every`, at random; 0 = none. */
static __always_inline __u32 sample__one_of(__u32 every) {
    return every <= 1 ? every : ((__u64)bpf_get_prandom_u32() * every) >> 32 == 0;
}

#endif
