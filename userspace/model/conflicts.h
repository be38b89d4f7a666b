// SPDX-License-Identifier: Apache-2.0
// Tells whether anything in a mesh meets that must not (check_mesh), at a cost that follows what
// changed and not the mesh: names and addresses are counted as hashes. It knows that there is a
// conflict, not which: the rules name it. Two hashes that are equal by chance cost a needless look.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>

#include "userspace/model/snapshot.h"

namespace weir {

class Conflicts {
  public:
    void add(const Service& service) { count(service, 1); }
    void remove(const Service& service) { count(service, -1); }
    void add(const Workload& workload) { count(workload, 1); }
    void remove(const Workload& workload) { count(workload, -1); }
    bool any() const { return conflicts_ != 0; }

  private:
    void count(const Service& service, int by);
    void count(const Workload& workload, int by);
    void own(std::uint64_t thing, int by);
    void target(std::uint64_t address, int by);

    // What only one may have; what endpoints are, which no service may have as its address.
    boost::unordered_flat_map<std::uint64_t, std::int32_t> owners_, targets_;
    std::int64_t conflicts_ = 0;
};

}  // namespace weir
