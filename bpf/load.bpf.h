/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loads from kernel-checked pointers (struct bpf_sock, contexts) that must be one instruction at a
 * constant offset. Left to itself, clang 19 computes the address first where two loads are alike,
 * and the verifier refuses arithmetic on such pointers.
 */
#ifndef WEIR_LOAD_BPF_H
#define WEIR_LOAD_BPF_H

#include <linux/types.h>

/* A 32-bit field of *pointer, such as WEIR_LOAD32(sk, dst_ip6[1]). */
#define WEIR_LOAD32(pointer, field)                                                       \
    ({                                                                                    \
        __u32 weir_loaded;                                                                \
        asm volatile("%0 = *(u32 *)(%1 + %2)"                                             \
                     : "=r"(weir_loaded)                                                  \
                     : "r"(pointer), "i"(__builtin_offsetof(typeof(*(pointer)), field))); \
        weir_loaded;                                                                      \
    })

#endif
