// SPDX-License-Identifier: Apache-2.0
// Puts names to ids: which service a row of the tables is, which workload, which endpoint. From the
// tables and a snapshot only, so that the agent and a CLI without one see the same.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "maps/tables.h"
#include "userspace/model/snapshot.h"

namespace weir {

struct ServicePortName {
    const Service* service;
    const Port* port;
};

class Names {
  public:
    // `snapshot` must outlive the names.
    static Result<Names> read(const Tables& tables, const Snapshot& snapshot);

    // nullptr: a service that is in no mesh any more.
    const ServicePortName* service_port(std::uint32_t id) const;
    // The row of a service port, when the kernel has it.
    std::optional<std::uint32_t> id_of(const std::string& service, const Port& port) const;
    // "unknown" for 0, "departed" for an id that no pattern has any more.
    const std::string& workload(std::uint32_t id) const;

  private:
    std::map<std::uint32_t, ServicePortName> service_ports_;
    std::map<std::string, std::uint32_t> ids_;  // service_port_name() -> row
    std::map<std::uint32_t, std::string> workloads_;
};

}  // namespace weir
