// SPDX-License-Identifier: Apache-2.0
#include "loader/before.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <tuple>
#include <vector>

#include "loader/exit_codes.h"
#include "maps/bpf_map.h"

namespace weir {
namespace {

using Types = std::unique_ptr<btf, void (*)(btf*)>;

// The table's one row.
struct LayoutTable {
    Fd table;
    std::vector<char> types;
};

Result<LayoutTable> read_layout(const PinDir& pins) {
    LayoutTable pinned{Fd(bpf_obj_get(pins.map(kLayoutTable).c_str())), {}};
    if (!pinned.table)
        return fail_errno("cannot open " + pins.map(kLayoutTable), errno);
    WEIR_TRY(const MapInfo info, map_info(pinned.table.get()));
    pinned.types.resize(info.value_size);
    const std::uint32_t row = 0;
    if (bpf_map_lookup_elem(pinned.table.get(), &row, pinned.types.data()))
        return fail_errno("cannot read " + pins.map(kLayoutTable), errno);
    return pinned;
}

Result<Types> read_types(const PinDir& pins) {
    WEIR_TRY(const LayoutTable pinned, read_layout(pins));
    Types types(btf__new(pinned.types.data(), static_cast<__u32>(pinned.types.size())), btf__free);
    if (!types)
        return fail_errno("cannot read the type information in " + pins.map(kLayoutTable), errno);
    return types;
}

[[nodiscard]] tl::unexpected<Error> refuse(const PinDir& pins, const std::string& why) {
    return fail_exit(kExitForeignPins, "cannot take over from the build that made " + pins.root() +
                                           ": " + why +
                                           ". Start that build again, or run `weir uninstall`");
}

// Offsets by name. What a row cannot do without must be there with its size.
class Offsets {
  public:
    Offsets(const RowLayout& row, std::string prefix) : row_(row), prefix_(std::move(prefix)) {}

    std::uint32_t needed(const std::string& name, std::uint32_t size) {
        const Field* field = row_.find(prefix_ + name);
        if (field == nullptr || field->size != size) {
            missing_ = prefix_ + name;
            return WEIR_NOWHERE;
        }
        return field->offset;
    }
    std::uint32_t wanted(const std::string& name, std::uint32_t size) const {
        const Field* field = row_.find(prefix_ + name);
        return field == nullptr || field->size != size ? WEIR_NOWHERE : field->offset;
    }
    weir_before_steered steered() {
        return {needed("edge.workload", 4),     needed("edge.svc_port", 4),
                needed("edge.endpoint", 4),     needed("edge.generation", 4),
                needed("service_addr.w[0]", 4), needed("endpoint_addr.w[0]", 4),
                needed("service_port", 2),      needed("endpoint_port", 2)};
    }
    const std::string& missing() const { return missing_; }

  private:
    const RowLayout& row_;
    std::string prefix_, missing_;
};

// Where the first flow begins: at the field that comes first.
std::uint32_t start_of_flows(const RowLayout& row) {
    std::uint32_t start = row.size;
    for (const auto& field : row.fields)
        if (field.name.starts_with("flows[0]."))
            start = std::min(start, field.offset);
    return start;
}

// Offsets that are relative to the flow at `base`.
void make_relative(std::uint32_t& offset, std::uint32_t base) {
    if (offset != WEIR_NOWHERE)
        offset -= base;
}

// Whether the counter at these places is the next one of the run.
bool goes_on(const weir_before_counter& run, const Field& from, const Field& to) {
    const std::uint32_t size = run.width * run.count;
    return run.width == to.size && run.count < WEIR_BEFORE_RUN_MOST &&
           run.from + size == from.offset && run.to + size == to.offset;
}

// Not times ("…_ns") and what is packed ("…_word"), of which a sum is none.
bool is_counter(const std::string& name) {
    return name.find("reserved") == std::string::npos && !name.ends_with("_ns") &&
           !name.ends_with("_word");
}

// Counters are all that is a u64 under the same name in both; of histograms, what is a u32 too.
Status list_counters(const RowLayout& from, const RowLayout& to, std::uint32_t least_width,
                     weir_before_counter* list) {
    std::size_t count = 0;
    for (const auto& field : to.fields) {
        const Field* source = from.find(field.name);
        if (field.size < least_width || field.size > sizeof(__u64) || source == nullptr ||
            !is_counter(field.name))
            continue;
        if (source->size != field.size)
            return fail("the counter " + field.name + " had another size");
        if (count > 0 && goes_on(list[count - 1], *source, field)) {
            list[count - 1].count++;
            continue;
        }
        if (count == WEIR_BEFORE_COUNTERS)
            return fail("there are more counters than can be added at once");
        list[count++] = {source->offset, field.offset, field.size, 1};
    }
    if (count < WEIR_BEFORE_COUNTERS)
        list[count] = {WEIR_NOWHERE, WEIR_NOWHERE, 0, 0};
    return {};
}

}  // namespace

Result<std::optional<Before>> Before::find(const std::string& bpffs) {
    std::optional<Before> found;
    for (const unsigned version : PinDir::versions(bpffs)) {
        if (version == WEIR_ABI_VERSION)
            continue;
        Before other(PinDir(bpffs, version));
        WEIR_CHECK(other.pins_.claim());
        const auto types = read_types(other.pins_);
        if (!types && PinDir::names(other.pins_.links()).empty()) {
            WEIR_CHECK(other.remove());
            continue;
        }
        if (!types)
            return refuse(other.pins_, types.error().message);
        if (found)
            return refuse(other.pins_, "there is a third one too, in " + found->pins_.root());
        auto layouts = table_layouts(**types);
        if (!layouts)
            return refuse(other.pins_, layouts.error().message);
        other.layouts_ = std::move(*layouts);
        found = std::move(other);
    }
    return found;
}

bool Before::has(const std::string& table) const {
    return layouts_.contains(table) && ::access(pins_.map(table).c_str(), F_OK) == 0;
}

Result<Fd> Before::open(const std::string& table) const {
    Fd fd(bpf_obj_get(pins_.map(table).c_str()));
    if (!fd)
        return fail_errno("cannot open " + pins_.map(table), errno);
    return fd;
}

Result<bool> Before::differs(const bpf_map* map) const {
    const std::string name = bpf_map__name(map);
    WEIR_TRY(const Fd fd, open(name));
    WEIR_TRY(const MapInfo info, map_info(fd.get()));
    if (info.type != bpf_map__type(map))
        return refuse(pins_, "the table " + name + " was of another kind");
    const auto& was = layouts_.at(name);
    if (was.key.size != info.key_size || was.value.size != info.value_size)
        return refuse(pins_, "the table " + name + " is not what its description says");
    const bool fixed_size = bpf_map__max_entries(map) > 1;  // not the node's choice
    return info.flags != bpf_map__map_flags(map) || was != ours_.at(name) ||
           (fixed_size && info.max_entries != bpf_map__max_entries(map));
}

Status Before::compare(const bpf_object* object) {
    WEIR_TRY(ours_, table_layouts(*bpf_object__btf(object)));
    const bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        const std::string name = bpf_map__name(map);
        if (bpf_map__is_internal(map) || !has(name))
            continue;
        WEIR_TRY(const bool changed, differs(map));
        if (changed)
            changed_.insert(name);
    }
    WEIR_CHECK(find_socket_fields());
    return find_counters();
}

Status Before::find_socket_fields() {
    if (changed("weir_sock")) {
        Offsets at(layout("weir_sock").value, "");
        sock_ = {1,
                 at.needed("phase", 4),
                 at.wanted("on_other", 4),
                 at.wanted("sent", 8),
                 at.wanted("received", 8),
                 at.wanted("retransmits", 4),
                 at.wanted("started_ns", 8),
                 at.wanted("connect_us", 4),
                 at.wanted("first_byte_us", 4),
                 at.wanted("told", 4),
                 at.wanted("protocol", 4),
                 at.wanted("user_ms", 4),
                 at.steered()};
        if (!at.missing().empty())
            return refuse(pins_, "its sockets have no field " + at.missing() + " as ours have");
    }
    if (changed("weir_udp_sock")) {
        const RowLayout& row = layout("weir_udp_sock").value;
        const auto state_of = [&](std::uint32_t index) {
            return row.offset("flows[" + std::to_string(index) + "].state");
        };
        Offsets whole(row, ""), at(row, "flows[0].");
        udp_.present = 1;
        udp_.lock = whole.needed("lock.val", 4);
        udp_.spilled = whole.wanted("spilled", 4);
        udp_.flows = start_of_flows(row);
        udp_.stride = state_of(1).value_or(0) - state_of(0).value_or(0);
        while (udp_.count < WEIR_BEFORE_FLOWS_MOST && state_of(udp_.count))
            udp_.count++;
        udp_.state = at.needed("state", 2);
        udp_.mode = at.wanted("mode", 2);
        udp_.used_ns = at.wanted("used_ns", 8);
        udp_.steered = at.steered();
        for (const auto& missing : {whole.missing(), at.missing()})
            if (!missing.empty())
                return refuse(pins_, "its sockets have no field " + missing + " as ours have");
        auto& steered = udp_.steered;
        for (auto* offset :
             {&udp_.mode, &udp_.used_ns, &steered.workload, &steered.svc_port, &steered.endpoint,
              &steered.generation, &steered.service_addr, &steered.endpoint_addr,
              &steered.service_port, &steered.endpoint_port, &udp_.state})
            make_relative(*offset, udp_.flows);
    }
    return {};
}

Status Before::find_counters() {
    const std::array<std::tuple<const char*, std::uint32_t, weir_before_counter*>, 5> lists{{
        {"weir_edge", sizeof(__u64), counters_.edge},
        {"weir_svc_state", sizeof(__u64), counters_.svc_state},
        {"weir_ep_state", sizeof(__u64), counters_.ep_state},
        {"weir_latency", sizeof(__u32), counters_.latency},
        {"weir_unmanaged", sizeof(__u64), counters_.unmanaged},
    }};
    for (const auto& [table, least_width, list] : lists) {
        if (!changed(table))
            continue;
        const auto keys = RowConverter::between(layout(table).key, ours(table).key);
        if (layout(table).key.size > WEIR_BEFORE_KEY_MAX)
            return refuse(pins_, std::string(table) + ": its keys are too long");
        if (!keys)
            return refuse(pins_, std::string(table) + ": " + keys.error().message);
        if (const auto counted =
                list_counters(layout(table).value, ours(table).value, least_width, list);
            !counted)
            return refuse(pins_, std::string(table) + ": " + counted.error().message);
    }
    if (changed("weir_ep_state"))
        counters_.ep_generation =
            Offsets(layout("weir_ep_state").value, "").wanted("generation", sizeof(__u32));
    return {};
}

Status refuse_other_layout(const PinDir& pins, const bpf_object* object) {
    if (::access(pins.map(kLayoutTable).c_str(), F_OK) != 0)
        return {};  // of a build that left none, or a first start
    WEIR_TRY(const auto types, read_types(pins));
    WEIR_TRY(const auto pinned, table_layouts(*types));
    WEIR_TRY(const auto ours, table_layouts(*bpf_object__btf(object)));
    for (const auto& [name, layout] : ours) {
        const auto found = pinned.find(name);
        if (found != pinned.end() && found->second != layout)
            return refuse(
                pins, "the table " + name + " has other fields there, under the same ABI version");
    }
    return {};
}

Result<Fd> pin_layout(const PinDir& pins, const bpf_object* object) {
    std::uint32_t size = 0;
    const auto* raw = static_cast<const char*>(btf__raw_data(bpf_object__btf(object), &size));
    auto pinned = read_layout(pins);
    if (pinned && pinned->types == std::vector<char>(raw, raw + size))
        return std::move(pinned->table);
    Fd table(bpf_map_create(BPF_MAP_TYPE_ARRAY, kLayoutTable, sizeof(__u32), size, 1, nullptr));
    if (!table)
        return fail_errno("cannot make the table weir_layout", errno);
    const std::uint32_t row = 0;
    const std::string pin = pins.map(kLayoutTable), fresh = pin + "_new";
    if (bpf_map_update_elem(table.get(), &row, raw, BPF_ANY))
        return fail_errno("cannot write the table weir_layout", errno);
    ::unlink(fresh.c_str());  // left by an agent that ended in between
    if (bpf_obj_pin(table.get(), fresh.c_str()) || ::rename(fresh.c_str(), pin.c_str()))
        return fail_errno("cannot pin " + pin, errno);
    return table;
}

}  // namespace weir
