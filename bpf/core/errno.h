/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The errnos that weir reads from sockets or answers with, as on every architecture that BPF and
 * weir run on (asm-generic/errno.h). The kernel's own header is not there for -target bpf.
 */
#ifndef WEIR_CORE_ERRNO_H
#define WEIR_CORE_ERRNO_H

#define WEIR_EACCES 13
#define WEIR_EPIPE 32
#define WEIR_ENOPROTOOPT 92
#define WEIR_ENETUNREACH 101
#define WEIR_ECONNABORTED 103
#define WEIR_ECONNRESET 104
#define WEIR_ENOBUFS 105
#define WEIR_ETIMEDOUT 110
#define WEIR_ECONNREFUSED 111
#define WEIR_EHOSTDOWN 112
#define WEIR_EHOSTUNREACH 113

#endif
