// SPDX-License-Identifier: Apache-2.0
// The rows of a service port's endpoints, as they are in the kernel. Reads, and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "maps/tables.h"

namespace weir {

// The settings of a service port that are in force; nullptr: it is not in the kernel.
const weir_svc_settings* settings_in_force(const Tables& tables, std::uint32_t svc_port);

struct EndpointState {
    std::uint32_t id = 0;  // row of `endpoint` and `ep_state`
    weir_ep_state state{};
};

// What a connect finds of a service port: its settings, and all words they lead to.
struct PublishedPort {
    weir_svc_settings settings{};
    std::vector<std::uint64_t> words;
};

// Nothing: it is not in the kernel, or somebody changed its rows so that they lead nowhere.
std::optional<PublishedPort> published_port(const Tables& tables, std::uint32_t svc_port);

// "10.0.0.2:8080"
std::string endpoint_str(const weir_endpoint& row);

// Of the endpoints in use: neither leaving nor drained.
Result<std::vector<EndpointState>> endpoint_states(const Tables& tables, std::uint32_t svc_port);

}  // namespace weir
