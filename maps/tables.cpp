// SPDX-License-Identifier: Apache-2.0
#include "maps/tables.h"

#include <bpf/libbpf.h>

namespace weir {
namespace {

Result<Fd> open_pin(const std::string& directory, const std::string& name, Access access) {
    const std::string path = directory + "/" + name;
    LIBBPF_OPTS(bpf_obj_get_opts, options);
    options.file_flags = access == Access::kRead ? static_cast<__u32>(BPF_F_RDONLY) : 0U;
    Fd fd(bpf_obj_get_opts(path.c_str(), &options));
    if (!fd)
        return fail_errno("cannot open " + path, errno);
    return fd;
}

template <typename K, typename V>
Status open_map(BpfMap<K, V>& map, const std::string& directory, const char* name, Access access) {
    WEIR_TRY(Fd fd, open_pin(directory, name, access));
    map = BpfMap<K, V>(std::move(fd), name);
    return {};
}

template <typename Row>
Status open_array(MmapArray<Row>& array, const std::string& directory, const char* name,
                  Access access) {
    // Opened for writing even to be read: the kernel clears VM_SHARED for a read-only descriptor,
    // and then refuses to map it.
    WEIR_TRY(Fd fd, open_pin(directory, name, Access::kWrite));
    WEIR_TRY(array, MmapArray<Row>::map(std::move(fd), access == Access::kWrite));
    return {};
}

// Over all CPUs.
Result<std::vector<std::uint64_t>> totals_of(const Fd& table, const char* name,
                                             std::uint32_t rows) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 1)
        return fail("cannot tell the number of CPUs", -cpus);
    std::vector<std::uint64_t> totals(rows);
    std::vector<std::uint64_t> values(static_cast<std::size_t>(cpus));
    for (std::uint32_t index = 0; index < rows; index++) {
        if (bpf_map_lookup_elem(table.get(), &index, values.data()))
            return fail_errno(std::string("cannot read table ") + name, errno);
        for (const auto value : values)
            totals[index] += value;
    }
    return totals;
}

}  // namespace

Result<Tables> Tables::open(const std::string& directory, Access access) {
    Tables tables;
    WEIR_CHECK(open_map(tables.vip, directory, "weir_vip", access));
    WEIR_CHECK(open_array(tables.vip_filter, directory, "weir_vip_filter", access));
    WEIR_CHECK(open_array(tables.svc_port, directory, "weir_svc_port", access));
    WEIR_CHECK(open_array(tables.slot, directory, "weir_slot", access));
    WEIR_CHECK(open_array(tables.endpoint, directory, "weir_endpoint", access));
    WEIR_CHECK(open_array(tables.node, directory, "weir_node", access));
    WEIR_CHECK(open_map(tables.cg_prefix, directory, "weir_cg_prefix", access));
    WEIR_CHECK(open_map(tables.ep_state, directory, "weir_ep_state", access));
    WEIR_CHECK(open_map(tables.svc_state, directory, "weir_svc_state", access));
    WEIR_CHECK(open_map(tables.edge, directory, "weir_edge", access));
    WEIR_CHECK(open_map(tables.latency, directory, "weir_latency", access));
    WEIR_CHECK(open_map(tables.cgroup, directory, "weir_cgroup", access));
    WEIR_CHECK(open_map(tables.unmanaged, directory, "weir_unmanaged", Access::kRead));
    WEIR_TRY(tables.reason, open_pin(directory, "weir_reason", Access::kRead));
    WEIR_TRY(tables.produced, open_pin(directory, "weir_produced", Access::kRead));
    WEIR_TRY(tables.events, open_pin(directory, "weir_events", Access::kWrite));
    return tables;
}

Result<std::vector<std::uint64_t>> Tables::reasons() const {
    return totals_of(reason, "weir_reason", WEIR_REASON_COUNT);
}

Result<std::uint64_t> Tables::events_produced() const {
    WEIR_TRY(const auto totals, totals_of(produced, "weir_produced", 1));
    return totals.front();
}

}  // namespace weir
