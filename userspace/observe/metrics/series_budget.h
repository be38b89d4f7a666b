// SPDX-License-Identifier: Apache-2.0
// Which series /metrics has room for. What finds none is summed into "other" on the way up: of the
// caller's calls to the service, of all calls to it, of all. Once admitted, a series stays until
// its edge is gone, and what is in "other" stays there: while the agent lives, no counter falls for
// want of room.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "userspace/observe/views/edges.h"
#include "userspace/observe/views/unmanaged.h"

namespace weir {

// Series of an edge (of UDP with those of its datagrams, which not every service asks for), of a
// caller's failures, and of its times (three histograms with 16 buckets, sum and count).
constexpr std::size_t kSeriesOfTcpEdge = 10, kSeriesOfUdpEdge = 9;
constexpr std::size_t kSeriesOfFailures = kFailureNames.size(), kSeriesOfTimes = 3 * 18 + 1;

struct ExportedEdges {
    std::vector<EdgeView> edges;            // their counts
    std::vector<EdgeView> failures, times;  // by caller and service port: no endpoint
    std::vector<UnmanagedView> unmanaged;
    std::size_t series = 0;  // of all of these
    double other_ratio = 0;  // which share of connects found no series, 0 to 1
};

// What the series for everything without a place of its own is made of, by service port; it keeps
// what was counted for those that are gone.
class OtherServices {
  public:
    void add(const EdgeView& edge);
    // The sum of what was added since the last call, by protocol.
    std::vector<EdgeView> take();

  private:
    using ServicePort = std::tuple<std::string, std::uint16_t, std::string>;
    std::map<ServicePort, EdgeView> now_, before_;
    std::map<std::string, EdgeView> gone_;  // by protocol
};

// One thread at a time.
class SeriesBudget {
  public:
    explicit SeriesBudget(std::size_t most) : most_(most) {}
    std::size_t most() const { return most_; }
    // `taken`: series that are there besides.
    ExportedEdges divide(const std::vector<EdgeView>& edges,
                         const std::vector<UnmanagedView>& unmanaged, std::size_t taken);

  private:
    enum class Kind { kCounts, kFailures, kTimes, kUnmanaged };
    using Key = std::tuple<Kind, std::string, std::string, std::uint16_t, std::string, std::string>;
    struct Place {
        bool admitted = false, seen = false;
        std::size_t cost = 0;
    };
    using Sums = std::map<Key, EdgeView>;

    bool admit(const Key& key, std::size_t cost, std::size_t room);
    void route(Kind kind, const EdgeView& edge, std::size_t room, Sums& sums, OtherServices& rest);
    std::vector<EdgeView> collect(Kind kind, const std::vector<const EdgeView*>& edges,
                                  std::size_t room, OtherServices& rest);
    std::vector<UnmanagedView> collect(const std::vector<UnmanagedView>& unmanaged,
                                       std::size_t room);
    void forget_what_is_gone();

    std::size_t most_;
    std::size_t used_ = 0, used_by_counts_ = 0;
    std::uint64_t left_out_ = 0;  // connects without a series, in this division
    std::map<Key, Place> places_;
    OtherServices counts_, failures_, times_;
};

}  // namespace weir
