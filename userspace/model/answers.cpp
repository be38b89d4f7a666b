// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/answers.h"

#include <algorithm>

namespace weir {
namespace {

constexpr std::uint32_t kDnsAnswerMs = 2000;

}  // namespace

bool has_udp(const Service& service) {
    return std::any_of(service.ports.begin(), service.ports.end(),
                       [](const Port& port) { return port.protocol == Protocol::kUdp; });
}

std::uint32_t answer_ms_of(const Service& service, const Port& port) {
    if (port.protocol != Protocol::kUdp || service.outliers.consecutive_failures == 0)
        return 0;
    return service.outliers.answer_ms.value_or(port.app_protocol == "dns" ? kDnsAnswerMs : 0);
}

bool watches_datagrams(const Service& service) {
    return has_udp(service) &&
           (service.counts_datagrams || service.outliers.consecutive_failures != 0);
}

}  // namespace weir
