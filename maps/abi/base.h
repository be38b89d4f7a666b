/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The words every shared struct is made of, for kernel programs (C) and user space (C++) alike.
 * Shared structs use fixed-width fields only, name every pad byte and assert their size; a change
 * of layout raises WEIR_ABI_VERSION, which is part of the pin directory. Builds of two versions
 * read each other's rows by the names of fields (loader/before.h): a field whose meaning changes
 * gets another name. No code belongs here.
 */
#ifndef WEIR_ABI_BASE_H
#define WEIR_ABI_BASE_H

#include <linux/types.h>

#ifdef __cplusplus
#define WEIR_ASSERT(condition) static_assert(condition, #condition)
#else
#define WEIR_ASSERT(condition) _Static_assert(condition, #condition)
#endif

#define WEIR_ABI_VERSION 8

/* A 16-byte address in network byte order; IPv4 is always ::ffff:a.b.c.d, so that there is one
 * table and one path for both families. */
struct weir_addr {
    __be32 w[4];
};
WEIR_ASSERT(sizeof(struct weir_addr) == 16);

/* Where what the agent asks of a program that it runs itself is in the packet: behind an Ethernet
 * header, which the kernel reads (loader/run_program.h). */
#define WEIR_REQUEST_AT 14

#define WEIR_PROTO_TCP 6
#define WEIR_PROTO_UDP 17

#endif
