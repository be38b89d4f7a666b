/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How often something may happen: the generic cell rate algorithm (ITU-T I.371), which keeps one
 * number, when the next one is due. Compiled for the kernel and natively; no maps, no context, no
 * clock.
 */
#ifndef WEIR_CORE_RATE_LIMIT_H
#define WEIR_CORE_RATE_LIMIT_H

#include <linux/types.h>

/* So much later than now may another CPU have been when it wrote what is due. */
#define WEIR_RATE_SKEW_NS 1000000000ull

/* When the one after this is due, or 0 where this one comes too early. Once in `interval_ns` (above
 * 0), or `burst` (above 0) at once after a while. A debt that these two cannot have made is of
 * another limit, and counts as the most that they can make, less this one. */
static inline __u64 weir_rate_after(__u64 due_ns, __u64 now_ns, __u32 interval_ns, __u32 burst) {
    __u64 start = due_ns > now_ns ? due_ns : now_ns;
    __u64 most_ns = (burst - 1) * (__u64)interval_ns;
    if (start - now_ns > most_ns + interval_ns + WEIR_RATE_SKEW_NS)
        start = now_ns + most_ns;
    if (start - now_ns > most_ns)
        return 0;
    return start + interval_ns;
}

#endif
