// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/conflicts.h"

#include <algorithm>
#include <string_view>

namespace weir {
namespace {

enum class Kind : std::uint8_t { kService, kAddress, kWorkload, kPattern, kWorkloadAddress };

std::uint64_t hash_of(Kind kind, std::string_view text) {
    const auto hash = std::hash<std::string_view>()(text);
    return (hash ^ static_cast<std::uint64_t>(kind)) * 0x9e3779b97f4a7c15ULL;
}

std::uint64_t hash_of(Kind kind, const Addr& addr, std::uint16_t port = 0,
                      Protocol protocol = Protocol::kTcp) {
    const struct {
        weir_addr addr;
        std::uint32_t port, protocol;
    } bytes = {addr.raw(), port, static_cast<std::uint32_t>(protocol)};
    return hash_of(kind, {reinterpret_cast<const char*>(&bytes), sizeof(bytes)});
}

using Counts = boost::unordered_flat_map<std::uint64_t, std::int32_t>;

std::int32_t count_of(const Counts& counts, std::uint64_t key) {
    const auto found = counts.find(key);
    return found == counts.end() ? 0 : found->second;
}

void change(Counts& counts, std::uint64_t key, int by) {
    const auto found = counts.try_emplace(key, 0).first;
    found->second += by;
    if (found->second == 0)
        counts.erase(found);
}

}  // namespace

// conflicts_ is, over all things, owners beyond the first plus owners x targets.
void Conflicts::own(std::uint64_t thing, int by) {
    const auto extra = [&] { return std::max(count_of(owners_, thing) - 1, 0); };
    const auto before = extra();
    change(owners_, thing, by);
    conflicts_ += extra() - before + by * count_of(targets_, thing);
}

void Conflicts::target(std::uint64_t address, int by) {
    change(targets_, address, by);
    conflicts_ += by * count_of(owners_, address);
}

void Conflicts::count(const Service& service, int by) {
    own(hash_of(Kind::kService, service.name), by);
    for (const auto& port : service.ports) {
        for (const auto& address : service.addresses)
            own(hash_of(Kind::kAddress, address.addr, port.port, port.protocol), by);
        for (const auto& endpoint : service.endpoints)
            target(hash_of(Kind::kAddress, endpoint.addr, port.target_port, port.protocol), by);
    }
}

void Conflicts::count(const Workload& workload, int by) {
    own(hash_of(Kind::kWorkload, workload.name), by);
    own(hash_of(Kind::kPattern, workload.cgroup), by);
    for (const auto& address : workload.addresses)
        own(hash_of(Kind::kWorkloadAddress, address.addr), by);
}

}  // namespace weir
