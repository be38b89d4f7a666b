// SPDX-License-Identifier: Apache-2.0
// One feature's kernel object: opened, given the shared pinned tables, loaded. Keeps libbpf's and
// the verifier's words for the error. Attaches nothing.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "loader/hooks.h"
#include "loader/pin_dir.h"
#include "maps/result.h"

namespace weir {

// Rows of each table, set before its first load; tables that are pinned already keep theirs.
struct TableSizes {
    std::uint32_t service_ports = 16384;
    std::uint32_t vips = 32768;
    std::uint32_t endpoints = 196608;
    std::uint32_t slot_words = 262144;
    std::uint32_t edges = 16384;
    std::uint32_t cgroups = 16384;
    std::uint32_t cgroup_patterns = 4096;
    std::uint32_t affinities = 16384;
    std::uint32_t udp_spill = 8192;  // two for each UDP flow that its socket has no room for
};

// What programs are told before they are loaded, and cannot be changed after.
struct ProgramSettings {
    std::uint64_t udp_idle_ns = 30'000'000'000;  // a UDP flow keeps its endpoint for so long unused
    std::uint32_t first_byte_every = 8;          // one of so many connections is sampled; 0 = none
    std::uint32_t events_every = 1;              // one of so many is told of; 0 = no events
    std::uint32_t events_per_second = 1000;      // at most, for each service port
    std::uint32_t counts_unmanaged = 1;          // 1: connects to no service are counted
    std::uint64_t slow_ns = 0;  // what takes so long is told of in any case; 0 = nothing is slow

    // Datagrams are counted where a service asks; unlike the rest, this may change at any time.
    bool datagrams = false;

    bool wants(const Hook& hook) const {
        return hook.what == Hook::For::kFirstByte   ? first_byte_every != 0
               : hook.what == Hook::For::kDatagrams ? datagrams
                                                    : true;
    }
};

class Before;

class Object {
  public:
    Object(std::string feature, std::unique_ptr<void, void (*)(void*)> skeleton,
           bpf_object* object);

    // Leaves out a program and its hook. Before load.
    void drop(const std::string& program);
    // Leaves out all programs of a section, such as "iter/task_file". Before load.
    void drop_section(const std::string& section);
    // Leaves out all iterators. Before load.
    void drop_iterators();
    // Leaves out all tracing programs, on a kernel that refuses them. Before load.
    void drop_tracing();
    // Leaves out all programs, and all tables but those of sockets; whether some of these are
    // missing. Before make_tables(), which makes and pins them.
    Result<bool> keep_socket_tables(const PinDir& pins, const Before* before);
    Status make_tables(const PinDir& pins) { return load_and_pin(pins); }
    // Adopts pinned tables, ours and those of another build that are the same, loads the programs,
    // pins the tables that are new in our directory.
    Status load(const PinDir& pins, const TableSizes& sizes, const Before* before = nullptr);

    // Pins the tables that are not among the names `pinned`, and adds them; how many.
    Result<int> pin_missing(const PinDir& pins, std::vector<std::string>& pinned) const;

    const std::string& feature() const { return feature_; }
    const std::vector<Hook>& hooks() const { return hooks_; }
    const bpf_object* object() const { return object_; }
    // Descriptors; negative: it was left out.
    int program(const std::string& name) const;
    int table(const std::string& name) const;

  private:
    Status prepare_map(bpf_map* map, const PinDir& pins, const TableSizes& sizes,
                       const Before* before);
    Status load_and_pin(const PinDir& pins);
    Status prepare_fresh_map(bpf_map* map, const TableSizes& sizes, const Before* before);

    std::string feature_;
    std::unique_ptr<void, void (*)(void*)> skeleton_;
    bpf_object* object_;
    std::vector<Hook> hooks_;      // its part of kHooks
    std::vector<bpf_map*> fresh_;  // to be pinned after the load
};

// The features, one factory each, in files of their own: the only places that see the skeletons.
Result<Object> open_steer(const ProgramSettings& settings, const Before* before);
Result<Object> open_identity();
Result<Object> open_observe(const ProgramSettings& settings, const Before* before);
Result<Object> open_migrate(const Before& before, const ProgramSettings& settings);

// Sends libbpf's messages to a buffer that ends up in errors; the last lines of it.
void capture_libbpf_messages();
std::string take_libbpf_messages();

}  // namespace weir
