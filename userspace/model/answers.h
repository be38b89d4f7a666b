// SPDX-License-Identifier: Apache-2.0
// What the datagrams of a service's UDP ports tell of its endpoints: which ports owe answers, and
// within which time. Decides on settings only; the kernel looks at the datagrams
// (bpf/udp_health.bpf.h).
#pragma once

#include <cstdint>

#include "userspace/model/service.h"

namespace weir {

bool has_udp(const Service& service);

// Milliseconds within which a datagram to this port is answered; 0: it need not be, or nobody
// looks. DNS is asked and answers, whether that is written or not.
std::uint32_t answer_ms_of(const Service& service, const Port& port);

// Whether its datagrams are looked at: they are counted, or tell how its endpoints are.
bool watches_datagrams(const Service& service);

}  // namespace weir
