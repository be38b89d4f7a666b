/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * While an endpoint of a UDP service is out, only those speak for or against it who were given it
 * since: a try, or in panic. They have a mark of 14 bits, which is another after each ejection; 0
 * is no mark. Two ejections have the same by chance, 1 in 16,384: who had the earlier one then
 * stays until a failure. Compiled for the kernel and natively; no maps, no context, no clock.
 */
#ifndef WEIR_CORE_TRY_MARK_H
#define WEIR_CORE_TRY_MARK_H

#include <linux/types.h>

#define WEIR_TRY_MARKS 0x3fffu

static inline __u32 weir_try_mark(__u64 changed_ns, __u32 ejections) {
    __u32 mark = ((__u32)(changed_ns >> 20) * 31 + ejections) & WEIR_TRY_MARKS;
    return mark ? mark : 1;
}

/* weir_udp_flow.mode, of both. */
static inline __u16 weir_flow_mode(__u32 mode, __u32 mark) {
    return mode | mark << 2;
}

static inline __u32 weir_mode_of_flow(__u16 flow_mode) {
    return flow_mode & 3;
}

static inline __u32 weir_flow_mark(__u16 flow_mode) {
    return flow_mode >> 2;
}

#endif
