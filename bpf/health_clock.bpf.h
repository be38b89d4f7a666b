/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * By which clock a service port's endpoints are looked at (core/health.h): whether anybody is out
 * at all, and whether so many are that all are used. For picks.
 */
#ifndef WEIR_HEALTH_CLOCK_BPF_H
#define WEIR_HEALTH_CLOCK_BPF_H

#include "health_scan.bpf.h"
#include "service_view.bpf.h"
#include "settings.bpf.h"

/*
 * Whether fewer endpoints are in than the panic threshold asks for. Looked at by one of those who
 * pick, each time that the coarse clock has moved; who comes meanwhile takes what was found before.
 * Those that are out by hand are not counted at all.
 */
static __noinline int health__too_few_are_in(__u32 svc_port,
                                             const struct weir_svc_settings *settings) {
    struct weir_svc_state *service = bpf_map_lookup_elem(&weir_svc_state, &svc_port);
    if (!service || !service->ejections)
        return 0;
    __u64 now_ns = bpf_ktime_get_coarse_ns() & ~1ull;
    __u64 found = *(volatile __u64 *)&service->panic_word;
    if ((found & ~1ull) == now_ns)
        return found & 1;
    struct health_scan scan = {.base = settings->endpoint_base,
                               .capacity = settings->endpoint_capacity,
                               .svc_port = svc_port,
                               .clock = now_ns};
    bpf_loop(scan.capacity, health__count_one, &scan, 0);
    int panics = weir_too_few_are_in(scan.out, scan.total, settings->min_in_percent);
    __sync_val_compare_and_swap(&service->panic_word, found, now_ns | panics);
    return panics;
}

/* core/health.h's clock for a service port whose endpoints may be out. A global function, for the
 * verifier's sake: service_view.bpf.h. */
__weak __noinline __u64 health__read_clock(__u32 svc_port) {
    struct weir_svc_port *row = bpf_map_lookup_elem(&weir_svc_port, &svc_port);
    if (!row)
        return WEIR_HEALTH_ALL_DUE;
    const struct weir_svc_settings *settings = service__settings_of(row);
    __u64 clock =
        weir_health_clock(settings->eject_after, health__detection_off_until(),
                          *(volatile __u64 *)&row->held_until_ns, bpf_ktime_get_coarse_ns());
    if (settings->min_in_percent && !(clock & WEIR_HEALTH_BY_HAND) &&
        health__too_few_are_in(svc_port, settings))
        return weir_health_clock_of_panic(clock);
    return clock;
}

/* The same for any: most services eject nobody, and do not pay for it. */
static __always_inline __u64 health__clock(const struct service_view *view) {
    return view->settings->eject_after || view->held_until_ns ? health__read_clock(view->svc_port)
                                                              : WEIR_HEALTH_ALL_DUE;
}

#endif
