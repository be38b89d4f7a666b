/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Runs one core_call in the kernel. A syscall program: its context is copied in and back. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "core_eval.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("syscall")
int run_core_eval(struct core_call* context) {
    struct core_call call = *context;
    core_eval(&call);
    *context = call;
    return 0;
}
