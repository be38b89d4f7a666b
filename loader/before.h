// SPDX-License-Identifier: Apache-2.0
// The pins of another build of weir, whose tables have other layouts: another ABI version's
// directory. Found and locked when this build starts, so that it can take over from it. Tables that
// are the same are adopted; for the others it says where their fields are. Writes nothing.
#pragma once

#include <bpf/libbpf.h>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "loader/pin_dir.h"
#include "maps/abi/before.h"
#include "maps/fd.h"
#include "maps/layout.h"
#include "maps/result.h"

namespace weir {

// Detaches and removes all links that are pinned there, those of hooks.h in its reverse order, then
// the tables and the directory, which the caller has claimed.
Status remove_pins(PinDir& pins);

class Before {
  public:
    // nullopt: there is none. What a start that was refused left half made is removed. Exits 16
    // (its agent is running) and 18 (it cannot be taken over).
    static Result<std::optional<Before>> find(const std::string& bpffs);

    // Finds the tables that differ from those of `object`, which declares all of this build's. Exit
    // 18 where one cannot be taken over: after this, nothing is refused for its layout.
    Status compare(const bpf_object* object);
    bool changed(const std::string& table) const { return changed_.contains(table); }

    const PinDir& pins() const { return pins_; }
    bool has(const std::string& table) const;
    Result<Fd> open(const std::string& table) const;
    const TableLayout& layout(const std::string& table) const { return layouts_.at(table); }
    const TableLayout& ours(const std::string& table) const { return ours_.at(table); }

    // For the programs; `present` is 0 where a table is the same or was not there.
    const weir_before_sock& sock() const { return sock_; }
    const weir_before_udp& udp() const { return udp_; }
    const weir_before_counters& counters() const { return counters_; }

    // Removes the pins that are left there.
    Status remove() { return remove_pins(pins_); }

  private:
    explicit Before(PinDir pins) : pins_(std::move(pins)) {}
    Result<bool> differs(const bpf_map* map) const;
    Status find_socket_fields();
    Status find_counters();

    PinDir pins_;
    std::map<std::string, TableLayout> layouts_, ours_;
    std::set<std::string> changed_;
    weir_before_sock sock_{};
    weir_before_udp udp_{};
    weir_before_counters counters_{};
};

// Exit 18 when the tables in our own directory have another layout than `object` declares: a build
// that changed rows and kept its ABI version.
Status refuse_other_layout(const PinDir& pins, const bpf_object* object);
// Leaves the type information of `object` for the next build, in the table `weir_layout`.
Result<Fd> pin_layout(const PinDir& pins, const bpf_object* object);
inline constexpr const char* kLayoutTable = "weir_layout";

}  // namespace weir
