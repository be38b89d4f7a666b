// SPDX-License-Identifier: Apache-2.0
// What user space wrote to the tables that are arrays, beside them: comparing the two finds what
// somebody else has changed at the price of reading memory in order. No longer than the rows that
// were ever written.
#pragma once

#include <cstdint>
#include <vector>

#include "maps/tables.h"

namespace weir {

class Mirror {
  public:
    Mirror() = default;
    // Of what is there now.
    explicit Mirror(const Tables& tables);

    // Written to the mirror first, then by the caller to the table.
    weir_endpoint& endpoint(std::uint32_t id) { return grown(endpoint_, id); }
    weir_svc_port& svc_port(std::uint32_t id) { return grown(svc_port_, id); }
    std::uint64_t& slot(std::uint32_t id) { return grown(slot_, id); }

    // Writes again what differs in one of `parts` equal parts of each table; how many rows.
    // off_until_ns and held_until_ns of a service port are others' to write.
    std::uint64_t mend(Tables& tables, std::uint32_t part, std::uint32_t parts) const;

  private:
    template <typename Row>
    static Row& grown(std::vector<Row>& rows, std::uint32_t id) {
        if (id >= rows.size())
            rows.resize(id + 1);
        return rows[id];
    }

    std::vector<weir_endpoint> endpoint_;
    std::vector<weir_svc_port> svc_port_;
    std::vector<std::uint64_t> slot_;
};

}  // namespace weir
