// SPDX-License-Identifier: Apache-2.0
// The life of weir's kernel objects, and the only place that knows its order.
//   start      claim the pin directory; load: open -> size -> adopt pinned tables -> load -> pin;
//              attach: update pinned links or attach new ones -> pin, in the order of kHooks.
//              Between the two the caller makes the tables what these programs need. What a start
//              made that does not come to its end goes with it.
//   crash      nothing happens to traffic; the next start adopts.
//   upgrade    a start over existing pins: cgroup links are updated in place, one by one; a tracing
//              link is attached anew before the old one goes, and two at once do no harm. Over the
//              pins of a build with other layouts (before.h): its rows are written into our tables;
//              each link moves to our directory and then gets our program, which works on the other
//              build's sockets too; then sockets and counts move (migration.h), the programs are
//              loaded again without knowledge of the other build, and its pins go. Killed in
//              between, traffic goes on, and the next start of either build goes on from there.
//   stop       the programs stay.
//   uninstall  links in reverse order, tables, directory: nothing is left, open connections live
//   on.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loader/before.h"
#include "loader/link.h"
#include "loader/list_sockets.h"
#include "loader/object.h"
#include "loader/pin_dir.h"
#include "maps/result.h"

namespace weir {

struct FeatureState {
    std::string name;
    bool complete = true;
    std::string lost;  // what is missing without, when not complete, and the kernel's reason
};

// Run by the agent, attached nowhere: the kernel's own code writes the kernel's own tables.
struct AgentPrograms {
    int resolve = -1;      // gives a cgroup its workload
    int fold = -1;         // moves an edge's counts to `other`
    SocketIterator sweep;  // brings what open connections have moved onto their edges
    SocketLists lists;
};

class DataPlane {
  public:
    // `cgroup`: a cgroup2 directory; the pins must be of that cgroup if there are any.
    static Result<DataPlane> claim(const std::string& bpffs, const std::string& cgroup);
    DataPlane(DataPlane&&) = default;
    DataPlane& operator=(DataPlane&&) = default;
    ~DataPlane();

    Status load(const TableSizes& sizes, const ProgramSettings& settings = {});
    // After it, nothing of another build is at work any more.
    Status attach();
    // The start came to its end: what it made outlives this process.
    void keep() { kept_ = true; }

    const PinDir& pins() const { return pins_; }
    // attach() will bring the counts of another build's tables into these.
    bool takes_over() const { return before_.has_value(); }
    const std::vector<FeatureState>& features() const { return features_; }
    std::uint64_t cgroup_id() const { return cgroup_id_; }
    // Descriptors of the programs that the agent runs, owned by the data plane.
    AgentPrograms agent_programs() const;

    // Attaches or detaches what counts datagrams; nothing happens where it is as wanted. An error
    // may leave one of the two hooks attached: to be called again.
    Status count_datagrams(bool wanted);

    // Attaches and pins again what others detached or removed; how many links and tables that were.
    Result<int> repair();

  private:
    explicit DataPlane(const std::string& bpffs) : pins_(bpffs) {}
    Status load_objects(const TableSizes& sizes, const ProgramSettings& settings,
                        const Before* before);
    Result<Object> load_with_tracing(const std::function<Result<Object>()>& open, const char* lost,
                                     const TableSizes& sizes, const Before* before);
    Status refuse_other_cgroup(const Link& link, const std::string& pin) const;
    bool counted_datagrams() const;
    Status take_link(const Hook& hook);
    Status attach_all();
    Status finish_takeover();
    Status attach(const Object& object, const Hook& hook);
    Status attach_new(const Object& object, const Hook& hook);
    Result<Link> make_link(int program, const Hook& hook) const;
    Status open_cgroup();
    Status mend_pin_dir();
    Status mend_cgroup();
    Result<bool> mend_link(const Object& object, const Hook& hook, bool is_pinned);

    PinDir pins_;
    std::string cgroup_path_;
    Fd cgroup_;
    std::uint64_t cgroup_id_ = 0;
    std::vector<Object> objects_;
    std::map<std::string, Link> links_;  // by program
    std::vector<FeatureState> features_;
    std::vector<std::string> found_;  // what was pinned before: not this start's to remove
    Fd layout_;                       // the table that describes the others to the next build
    std::optional<Before> before_;    // until all of it is taken over
    TableSizes sizes_;
    ProgramSettings settings_;
    bool kept_ = false;
};

// What `weir check` and `weir status` say of the hooks, without an agent: all of kHooks, and
// whatever else is pinned as a link.
struct LinkState {
    std::string name;
    bool attached = false;
    std::uint32_t program_id = 0;
    std::uint64_t cgroup_id = 0;
};
std::vector<LinkState> pinned_links(const PinDir& pins);

// Removes links, tables and the directory. Refused while an agent holds the directory.
Status uninstall(const std::string& bpffs);
// What is left of weir in bpffs and on the cgroup's hooks (empty path: bpffs only).
std::vector<std::string> leftovers(const std::string& bpffs, const std::string& cgroup);

}  // namespace weir
