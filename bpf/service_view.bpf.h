/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A service port as a connect finds it. No code belongs here. */
#ifndef WEIR_SERVICE_VIEW_BPF_H
#define WEIR_SERVICE_VIEW_BPF_H

#include "../maps/abi/service.h"

/* A service port as it was published at one moment. */
struct service_view {
    const struct weir_svc_port *row;
    const struct weir_svc_settings *settings;
    struct weir_slot_set slots; /* those that the socket can reach; an offset in `slot` */
    __u32 svc_port;
    __u16 reach;      /* WEIR_REACH_*: of the socket */
    __u16 generation; /* that was published, as in core/published.h */
};

#endif
