// SPDX-License-Identifier: Apache-2.0
#include "loader/migration.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "loader/iterators.h"
#include "loader/run_program.h"
#include "maps/abi/node.h"
#include "maps/abi/state.h"
#include "maps/bpf_map.h"
#include "maps/raw_rows.h"

namespace weir {
namespace {

// Rows that user space writes, and what programs only note: they are written again by name.
constexpr std::array kWritten{"weir_vip",      "weir_vip_filter", "weir_svc_port", "weir_slot",
                              "weir_endpoint", "weir_node",       "weir_cg_prefix"};
// Notes that programs make, and may make again: a newer one of ours stays.
constexpr std::array kNoted{"weir_cgroup", "weir_affinity", "weir_udp_spill"};
constexpr std::array kCounted{"weir_edge", "weir_svc_state", "weir_ep_state", "weir_latency",
                              "weir_unmanaged"};

bool is_zero(const char* row, std::size_t size) {
    return std::all_of(row, row + size, [](char byte) { return byte == 0; });
}

}  // namespace

// What is known of endpoints, without the counts: those are added once sockets have moved.
Status Migration::copy_health() const {
    WEIR_TRY(const Fd from, before_.open("weir_ep_state"));
    WEIR_TRY(const Fd to, open_ours("weir_ep_state"));
    const auto& was = before_.layout("weir_ep_state").value;
    WEIR_TRY(const auto value_of, RowConverter::between(was, before_.ours("weir_ep_state").value));
    return for_each_row(from.get(), [&](const char* key, const char* value) -> Status {
        if (is_zero(value, was.size))
            return {};
        const auto converted = value_of(value);
        weir_ep_state state{};
        std::memcpy(&state, converted.data(), std::min(sizeof(state), converted.size()));
        state.active = 0;
        return bpf_map_update_elem(to.get(), key, &state, BPF_ANY) == 0
                   ? Status()
                   : fail_errno("cannot write table weir_ep_state", errno);
    });
}

Result<Fd> Migration::open_ours(const std::string& table) const {
    Fd fd(bpf_obj_get(pins_.map(table).c_str()));
    if (!fd)
        return fail_errno("cannot open " + pins_.map(table), errno);
    return fd;
}

Status Migration::copy_rows(const std::string& table, std::uint64_t flags) const {
    WEIR_TRY(const Fd from, before_.open(table));
    WEIR_TRY(const Fd to, open_ours(table));
    const auto& was = before_.layout(table);
    const auto& is = before_.ours(table);
    WEIR_TRY(const auto key_of, RowConverter::between(was.key, is.key));
    WEIR_TRY(const auto value_of, RowConverter::between(was.value, is.value));
    WEIR_TRY(const MapInfo info, map_info(to.get()));
    const bool array = info.type == BPF_MAP_TYPE_ARRAY;
    return for_each_row(from.get(), [&](const char* key, const char* value) -> Status {
        if (array && is_zero(value, was.value.size))
            return {};  // as all rows of a new array are
        if (bpf_map_update_elem(to.get(), key_of(key).data(), value_of(value).data(), flags) != 0 &&
            errno != EEXIST)
            return fail_errno("cannot write table " + table, errno);
        return {};
    });
}

Status Migration::write_rows() const {
    for (const char* table : kWritten)
        if (before_.changed(table))
            WEIR_CHECK(copy_rows(table, BPF_ANY));
    if (before_.changed("weir_ep_state"))
        WEIR_CHECK(copy_health());
    return copy_notes();
}

Status Migration::copy_notes() const {
    for (const char* table : kNoted)
        if (before_.changed(table))
            WEIR_CHECK(copy_rows(table, BPF_NOEXIST));
    return {};
}

Status Migration::take_sockets(const Object& object) const {
    const std::array<std::pair<const char*, const char*>, 2> iterators{
        {{"weir_sock", "weir_take"}, {"weir_udp_sock", "weir_takeudp"}}};
    for (const auto& [table, program] : iterators) {
        if (!before_.changed(table))
            continue;
        WEIR_TRY(const Fd from, before_.open(table));
        auto over = socket_iterator(object, program, table);
        over.table = from.get();
        WEIR_CHECK(run_iterator(over, "take over the sockets in " + before_.pins().map(table)));
    }
    return {};
}

Status Migration::merge(const Object& object, const std::string& table) const {
    WEIR_TRY(const Fd from, before_.open(table));
    const auto& was = before_.layout(table);
    WEIR_TRY(const auto key_of, RowConverter::between(was.key, before_.ours(table).key));
    std::vector<std::vector<char>> keys;  // the programs delete what they have added
    WEIR_CHECK(for_each_row(from.get(), [&](const char* key, const char* value) -> Status {
        if (!is_zero(value, was.value.size))
            keys.emplace_back(key, key + was.key.size);
        return {};
    }));
    const int program = object.program("weir_merge_" + table.substr(std::strlen("weir_")));
    for (const auto& key : keys) {
        weir_merge_request request{};
        const auto ours = key_of(key.data());
        std::copy(key.begin(), key.end(), request.from);
        std::copy(ours.begin(), ours.end(), request.to);
        WEIR_CHECK(run_program(program, &request, sizeof(request), "add a row of " + table));
    }
    return {};
}

Status Migration::merge_reasons(const Object& object) const {
    WEIR_TRY(const Fd from, before_.open("weir_reason"));
    WEIR_TRY(const MapInfo info, map_info(from.get()));
    const int cpus = libbpf_num_possible_cpus();
    const auto rows = std::min<std::uint32_t>(info.max_entries, WEIR_REASON_COUNT);
    for (std::uint32_t row = 0; row < rows; row++)
        for (int cpu = 0; cpu < cpus; cpu++) {
            weir_merge_request request{};
            std::memcpy(request.from, &row, sizeof(row));
            std::memcpy(request.to, &row, sizeof(row));
            request.cpu = static_cast<__u32>(cpu);
            WEIR_CHECK(run_program(object.program("weir_merge_reason"), &request, sizeof(request),
                                   "add a count of reasons"));
        }
    return {};
}

Status Migration::take_over(const TableSizes& sizes, const ProgramSettings& settings) const {
    WEIR_CHECK(copy_notes());  // what was noted since the switch began
    const auto open = [&] { return open_migrate(before_, settings); };
    const auto object = load_with_iterators(open, pins_, sizes, &before_);
    if (!object)
        return fail_with(object.error(),
                         "the sockets of the build before cannot be taken over: start the agent "
                         "once with all of root's rights, or run `weir uninstall` first");
    WEIR_CHECK(take_sockets(*object));
    for (const char* table : kCounted)
        if (before_.changed(table))
            WEIR_CHECK(merge(*object, table));
    return before_.changed("weir_reason") ? merge_reasons(*object) : Status();
}

}  // namespace weir
