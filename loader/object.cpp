// SPDX-License-Identifier: Apache-2.0
#include "loader/object.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>

#include "loader/before.h"
#include "loader/exit_codes.h"
#include "maps/bpf_map.h"

namespace weir {
namespace {

constexpr std::size_t kKeptMessages = 12;
constexpr std::size_t kKeptCharacters = 2000;
std::mutex messages_mutex;
std::deque<std::string> messages;

int keep_message(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_DEBUG)
        return 0;
    std::vector<char> line(1U << 20U);  // a verifier's log is one message; its end says why
    const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
    const std::lock_guard lock(messages_mutex);
    const std::string text(line.data());
    messages.push_back(text.substr(text.size() - std::min(text.size(), kKeptCharacters)));
    if (messages.size() > kKeptMessages)
        messages.pop_front();
    return length;
}

// nullopt: not a table whose size is the node's choice.
std::optional<std::uint32_t> rows_of(const std::string& map, const TableSizes& sizes) {
    const std::array<std::pair<const char*, std::uint32_t>, 13> rows{{
        {"weir_vip", sizes.vips},
        {"weir_svc_port", sizes.service_ports},
        {"weir_svc_state", sizes.service_ports},
        {"weir_slot", sizes.slot_words},
        {"weir_endpoint", sizes.endpoints},
        {"weir_ep_state", sizes.endpoints},
        {"weir_edge", sizes.edges},
        {"weir_latency", sizes.edges},
        {"weir_cgroup", sizes.cgroups},
        {"weir_cg_prefix", sizes.cgroup_patterns},
        {"weir_udp_spill", sizes.udp_spill},
        {"weir_affinity", sizes.affinities},
        {"weir_node", 1},
    }};
    for (const auto& [name, count] : rows)
        if (map == name)
            return count;
    return std::nullopt;
}

// Tables that stand for another build's (bpf/before.bpf.h): the name of the table that is meant.
std::optional<std::string> before_name(const bpf_map* map) {
    const std::string name = bpf_map__name(map), suffix = "_before";
    if (!name.ends_with(suffix))
        return std::nullopt;
    return name.substr(0, name.size() - suffix.size());
}

Status reuse(bpf_map* map, const Fd& table) {
    if (bpf_map__reuse_fd(map, table.get()))
        return fail_errno(std::string("cannot adopt the table ") + bpf_map__name(map), errno);
    return {};
}

}  // namespace

void capture_libbpf_messages() {
    libbpf_set_print(keep_message);
}

std::string take_libbpf_messages() {
    const std::lock_guard lock(messages_mutex);
    std::string text;
    for (const auto& line : messages)
        text += line;
    messages.clear();
    return text;
}

Object::Object(std::string feature, std::unique_ptr<void, void (*)(void*)> skeleton,
               bpf_object* object)
    : feature_(std::move(feature)), skeleton_(std::move(skeleton)), object_(object) {
    std::copy_if(kHooks.begin(), kHooks.end(), std::back_inserter(hooks_),
                 [this](const Hook& hook) { return hook.feature == feature_; });
}

void Object::drop(const std::string& program) {
    bpf_program__set_autoload(bpf_object__find_program_by_name(object_, program.c_str()), false);
    std::erase_if(hooks_, [&](const Hook& hook) { return hook.program == program; });
}

void Object::drop_section(const std::string& section) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object_) {
        if (bpf_program__section_name(program) == section)
            drop(bpf_program__name(program));
    }
}

void Object::drop_iterators() {
    for (const char* section : {"iter/bpf_sk_storage_map", "iter/tcp", "iter/udp"})
        drop_section(section);
}

void Object::drop_tracing() {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object_) {
        if (bpf_program__type(program) == BPF_PROG_TYPE_TRACING)
            drop(bpf_program__name(program));
    }
}

// A table that has no pin of ours yet. One that replaces another build's has as many rows.
Status Object::prepare_fresh_map(bpf_map* map, const TableSizes& sizes, const Before* before) {
    const std::string name = bpf_map__name(map);
    fresh_.push_back(map);
    auto rows = rows_of(name, sizes);
    if (before != nullptr && before->has(name)) {
        WEIR_TRY(const Fd other, before->open(name));
        if (!before->changed(name))
            return reuse(map, other);
        WEIR_TRY(const MapInfo info, map_info(other.get()));
        if (rows)
            rows = info.max_entries;
    }
    if (rows)
        bpf_map__set_max_entries(map, *rows);
    return {};
}

Status Object::prepare_map(bpf_map* map, const PinDir& pins, const TableSizes& sizes,
                           const Before* before) {
    if (const auto name = before_name(map)) {
        if (before == nullptr || !before->changed(*name)) {
            bpf_map__set_autocreate(map, false);  // only code that is never reached names it
            return {};
        }
        WEIR_TRY(const Fd other, before->open(*name));
        return reuse(map, other);
    }
    const std::string pin = pins.map(bpf_map__name(map));
    const Fd pinned(bpf_obj_get(pin.c_str()));
    if (!pinned && errno != ENOENT)
        return fail_errno("cannot open " + pin, errno);
    if (!pinned)
        return prepare_fresh_map(map, sizes, before);
    WEIR_TRY(const MapInfo info, map_info(pinned.get()));
    const bool fixed_size = !rows_of(bpf_map__name(map), sizes) && bpf_map__max_entries(map) > 1;
    if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
        info.value_size != bpf_map__value_size(map) || info.flags != bpf_map__map_flags(map) ||
        (fixed_size && info.max_entries < bpf_map__max_entries(map)))
        return fail_exit(kExitForeignPins,
                         "the pinned table " + pin + " has another layout than this build's: run " +
                             "`weir uninstall` of the build that made it, then start again");
    return reuse(map, pinned);
}

Result<bool> Object::keep_socket_tables(const PinDir& pins, const Before* before) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object_) bpf_program__set_autoload(program, false);
    bool missing = false;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_) {
        const bool is_missing = bpf_map__type(map) == BPF_MAP_TYPE_SK_STORAGE &&
                                !before_name(map) &&
                                ::access(pins.map(bpf_map__name(map)).c_str(), F_OK) != 0;
        bpf_map__set_autocreate(map, is_missing);
        if (!is_missing)
            continue;
        WEIR_CHECK(prepare_fresh_map(map, {}, before));
        missing = true;
    }
    return missing;
}

Status Object::load(const PinDir& pins, const TableSizes& sizes, const Before* before) {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_) {
        if (!bpf_map__is_internal(map))
            WEIR_CHECK(prepare_map(map, pins, sizes, before));
    }
    return load_and_pin(pins);
}

Status Object::load_and_pin(const PinDir& pins) {
    take_libbpf_messages();
    if (const int error = bpf_object__load(object_); error != 0)
        return fail("the kernel refused the programs of \"" + feature_ +
                        "\": " + std::strerror(-error) + "\n" + take_libbpf_messages(),
                    -error);
    for (bpf_map* fresh : fresh_) {
        const std::string pin = pins.map(bpf_map__name(fresh));
        if (bpf_obj_pin(bpf_map__fd(fresh), pin.c_str()))
            return fail_errno("cannot pin " + pin, errno);
    }
    fresh_.clear();
    return {};
}

Result<int> Object::pin_missing(const PinDir& pins, std::vector<std::string>& pinned) const {
    int made = 0;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_) {
        const char* name = bpf_map__name(map);
        if (bpf_map__is_internal(map) || before_name(map) ||
            std::find(pinned.begin(), pinned.end(), name) != pinned.end())
            continue;
        if (bpf_obj_pin(bpf_map__fd(map), pins.map(name).c_str()))
            return fail_errno("cannot pin " + pins.map(name), errno);
        pinned.emplace_back(name);
        made++;
    }
    return made;
}

int Object::program(const std::string& name) const {
    const bpf_program* program = bpf_object__find_program_by_name(object_, name.c_str());
    return program == nullptr ? -1 : bpf_program__fd(program);
}

int Object::table(const std::string& name) const {
    return bpf_object__find_map_fd_by_name(object_, name.c_str());
}

}  // namespace weir
