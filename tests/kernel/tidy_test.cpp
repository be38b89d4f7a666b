// SPDX-License-Identifier: Apache-2.0
// What left the mesh leaves the tables, and its counts stay: an edge whose endpoint's row is freed
// is added to its caller's, one whose caller left to that of all who did, one whose service is gone
// is deleted, one that sockets still hold stays.
#include <bpf/bpf.h>
#include <sys/stat.h>

#include "tests/kernel/fixture.h"

namespace weir {
namespace {

class Tidy : public KernelTest {
  protected:
    void SetUp() override {
        KernelTest::SetUp();
        start_plane();
    }

    static weir_edge_key key_of(const Tables& tables, std::uint32_t svc_port, std::uint32_t row) {
        return {7, svc_port, row, tables.endpoint[row].generation};
    }

    static void put(const Tables& tables, const weir_edge_key& key, const weir_edge& edge) {
        ASSERT_EQ(bpf_map_update_elem(tables.edge.fd(), &key, &edge, BPF_NOEXIST), 0);
    }

    static weir_edge counts(std::uint64_t opened) {
        weir_edge edge{};
        edge.opened = edge.closed = opened;
        return edge;
    }

    static void put(const Tables& tables, const weir_edge_key& key, std::uint64_t first_bytes) {
        weir_latency latency{};
        auto& histogram = latency.of[WEIR_LATENCY_FIRST_BYTE];
        histogram.count = histogram.buckets[40] = static_cast<__u32>(first_bytes);
        histogram.sum_us = 2048 * first_bytes;
        latency.left_out = 1;
        ASSERT_EQ(bpf_map_update_elem(tables.latency.fd(), &key, &latency, BPF_NOEXIST), 0);
    }

    static bool has(const Tables& tables, const weir_edge_key& key) {
        const auto found = tables.edge.find(key);
        return found && found->has_value();
    }

    // The row of a caller for all endpoints that left service port 0.
    static weir_edge_key left(const Tables& tables, std::uint32_t workload) {
        return {workload, 0, WEIR_LEFT_ENDPOINTS, tables.svc_port[0].settings[0].born};
    }

    static std::uint64_t opened(const Tables& tables, const weir_edge_key& key) {
        const auto found = tables.edge.find(key);
        return found && *found ? (*found)->opened : 0;
    }

    static weir_edge other(const Tables& tables, std::uint32_t svc_port) {
        return tables.svc_state.find(svc_port).value()->other;
    }

    // As a socket does; user space itself opens the table for reading only.
    void hold(std::uint32_t row, std::uint64_t sockets) {
        const Fd table(bpf_obj_get(plane_->pins().map("weir_ep_state").c_str()));
        weir_ep_state state{};
        state.active = sockets;
        ASSERT_EQ(bpf_map_update_elem(table.get(), &row, &state, BPF_ANY), 0);
    }

    static std::uint32_t row_of(const Tables& tables, const std::string& address) {
        for (std::uint32_t row = 0; row < tables.endpoint.size(); row++)
            if (Addr(tables.endpoint[row].addr).str() == address)
                return row;
        ADD_FAILURE() << address << " has no row";
        return 0;
    }
};

TEST_F(Tidy, TheCountsOfAFreedEndpointGoOnWithItsCaller) {
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1,10.1.0.2")));
    const auto& tables = engine.tables();
    const auto row = row_of(tables, "10.1.0.1"), stays = row_of(tables, "10.1.0.2");
    const auto key = key_of(tables, 0, row), kept = key_of(tables, 0, stays);
    weir_edge edge{10, 6, 3, 0, 1, {2, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 100, 200, 4, 5, 6, 8, 9};
    put(tables, key, edge);
    put(tables, key, 7U);
    put(tables, kept, counts(5));
    hold(row, 1);
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.2")));
    ASSERT_TRUE(engine.tidy());
    EXPECT_TRUE(has(tables, key)) << "a socket still holds it";
    hold(row, 0);
    ASSERT_TRUE(engine.tidy());
    EXPECT_FALSE(has(tables, key));
    EXPECT_TRUE(has(tables, kept));
    const auto sum = *tables.edge.find(left(tables, 7)).value();
    EXPECT_EQ(sum.opened, 10U);
    EXPECT_EQ(sum.closed, 6U);
    EXPECT_EQ(sum.failed, 3U);
    EXPECT_EQ(sum.active, 0U);
    EXPECT_EQ(sum.untracked, 1U);
    EXPECT_EQ(sum.failed_by[WEIR_FAILURE_REFUSED], 2U);
    EXPECT_EQ(sum.failed_by[WEIR_FAILURES - 1], 1U);
    EXPECT_EQ(sum.bytes_sent, 100U);
    EXPECT_EQ(sum.bytes_received, 200U);
    EXPECT_EQ(sum.retransmits, 4U);
    EXPECT_EQ(sum.resets_sent, 5U);
    EXPECT_EQ(sum.resets_received, 6U);
    EXPECT_EQ(sum.datagrams_sent, 8U);
    EXPECT_EQ(sum.datagrams_received, 9U);
}

TEST_F(Tidy, WhateverAnEdgesKeyIsTheKernelTakesItForNoPacket) {
    auto engine = start_engine();
    const auto& tables = engine.tables();
    for (std::uint64_t round = 1; round <= 9; round++) {  // 8 looks like IPv4, where a type is
        ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1,10.1.0.2")));
        const auto key = key_of(tables, 0, row_of(tables, "10.1.0.1"));
        EXPECT_EQ(key.generation, round);
        put(tables, key, counts(1));
        ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.2")));
        const auto tidied = engine.tidy();
        ASSERT_TRUE(tidied) << tidied.error().message;
        EXPECT_EQ(opened(tables, left(tables, 7)), round);
    }
}

TEST_F(Tidy, TheTimesOfFreedEndpointsGoOnWithTheirCaller) {
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1,10.1.0.2,10.1.0.3")));
    const auto& tables = engine.tables();
    for (const char* address : {"10.1.0.1", "10.1.0.2"}) {
        const auto key = key_of(tables, 0, row_of(tables, address));
        put(tables, key, counts(1));
        put(tables, key, 7U);
    }
    const auto gone = key_of(tables, 0, row_of(tables, "10.1.0.1"));
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.3")));
    ASSERT_TRUE(engine.tidy());
    EXPECT_FALSE(tables.latency.find(gone).value());
    const auto sum = tables.latency.find(left(tables, 7)).value();
    ASSERT_TRUE(sum);
    EXPECT_EQ(sum->of[WEIR_LATENCY_FIRST_BYTE].count, 14U);
    EXPECT_EQ(sum->of[WEIR_LATENCY_FIRST_BYTE].sum_us, 14U * 2048);
    EXPECT_EQ(sum->of[WEIR_LATENCY_FIRST_BYTE].buckets[40], 14U);
    EXPECT_EQ(sum->left_out, 2U);
    ASSERT_TRUE(engine.apply(mesh("")));
    ASSERT_TRUE(engine.tidy());
    EXPECT_TRUE(tables.latency.keys().value().empty()) << "the service is gone";
}

TEST_F(Tidy, TheEdgesOfAGoneServiceAreDeleted) {
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1 b=10.0.0.2:10.1.0.2")));
    const auto& tables = engine.tables();
    const auto a = key_of(tables, tables.endpoint[row_of(tables, "10.1.0.1")].svc_port,
                          row_of(tables, "10.1.0.1"));
    const auto b = key_of(tables, tables.endpoint[row_of(tables, "10.1.0.2")].svc_port,
                          row_of(tables, "10.1.0.2"));
    put(tables, a, counts(1));
    put(tables, b, counts(2));
    ASSERT_TRUE(engine.apply(mesh("b=10.0.0.2:10.1.0.2")));
    ASSERT_TRUE(engine.tidy());
    EXPECT_FALSE(has(tables, a));
    EXPECT_TRUE(has(tables, b));
}

TEST_F(Tidy, AServiceDoesNotInheritTheCountsOfAGoneOne) {
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1,10.1.0.2")));
    const auto& tables = engine.tables();
    const auto a = key_of(tables, 0, row_of(tables, "10.1.0.1"));
    put(tables, a, counts(3));
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.2")));
    ASSERT_TRUE(engine.tidy());
    EXPECT_EQ(opened(tables, left(tables, 7)), 3U);
    ASSERT_TRUE(engine.apply(mesh("")));
    ASSERT_TRUE(engine.tidy());
    EXPECT_TRUE(tables.edge.keys().value().empty());
    ASSERT_TRUE(engine.apply(mesh("b=10.0.0.2:10.1.0.3")));
    EXPECT_EQ(tables.endpoint[row_of(tables, "10.1.0.3")].svc_port, 0U) << "the row is used again";
    EXPECT_EQ(other(tables, 0).opened, 0U);
}

TEST_F(Tidy, CgroupsThatAreGoneHaveNoRow) {
    auto engine = start_engine();
    const auto& tables = engine.tables();
    const Fd table(bpf_obj_get(plane_->pins().map("weir_cgroup").c_str()));
    const std::uint64_t gone = 0x7fffffff00000001;
    const weir_workload workload{};
    ASSERT_EQ(bpf_map_update_elem(table.get(), &gone, &workload, BPF_ANY), 0);
    ASSERT_TRUE(engine.identify_all());
    EXPECT_FALSE(tables.cgroup.find(gone).value());
    struct stat alive{};
    ASSERT_EQ(::stat(cgroup_.c_str(), &alive), 0);
    EXPECT_TRUE(tables.cgroup.find(alive.st_ino).value());
}

TEST_F(Tidy, TheNextAgentFoldsWhatItsPredecessorLeft) {
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1,10.1.0.2")));
    const auto key = key_of(engine.tables(), 0, row_of(engine.tables(), "10.1.0.1"));
    put(engine.tables(), key, counts(4));
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.2")));  // and killed before it tidied
    const weir_edge_key stranger{7, 40, 3, 1};               // of a service port that nobody knows
    put(engine.tables(), stranger, counts(1));
    auto next = start_engine();
    EXPECT_FALSE(has(next.tables(), key));
    EXPECT_FALSE(has(next.tables(), stranger));
    EXPECT_EQ(opened(next.tables(), left(next.tables(), WEIR_WORKLOAD_DEPARTED)), 4U);
}

TEST_F(Tidy, AnEndpointThatMovesToAnotherRowKeepsItsCounts) {
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1")));
    const auto& tables = engine.tables();
    const auto row = row_of(tables, "10.1.0.1");
    const auto key = key_of(tables, 0, row);
    put(tables, key, counts(4));
    put(tables, key, 6U);
    hold(row, 1);
    std::string grown = "a=10.0.0.1:10.1.0.1";  // to more than its rows have room for
    for (int i = 2; i <= 60; i++)
        grown += ",10.1.0." + std::to_string(i);
    ASSERT_TRUE(engine.apply(mesh(grown)));
    hold(row, 0);
    ASSERT_TRUE(engine.tidy());  // it is hidden first: somebody may be about to hold it
    EXPECT_EQ(tables.endpoint[row].flags, WEIR_ENDPOINT_LEAVING);
    ASSERT_TRUE(has(tables, key));
    ASSERT_TRUE(engine.tidy());
    EXPECT_FALSE(has(tables, left(tables, 7)));
    const auto keys = tables.edge.keys().value();
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_NE(keys[0].endpoint, row);
    EXPECT_EQ(Addr(tables.endpoint[keys[0].endpoint].addr).str(), "10.1.0.1");
    EXPECT_EQ(tables.endpoint[keys[0].endpoint].generation, keys[0].generation);
    EXPECT_EQ(opened(tables, keys[0]), 4U);
    EXPECT_EQ(tables.latency.find(keys[0]).value()->of[WEIR_LATENCY_FIRST_BYTE].count, 6U);
}

TEST_F(Tidy, WhatAnEndingConnectionBringsAfterItsRowWasFreedFollows) {
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1,10.1.0.2")));
    const auto& tables = engine.tables();
    auto late = key_of(tables, 0, row_of(tables, "10.1.0.1"));
    const auto stays = key_of(tables, 0, row_of(tables, "10.1.0.2"));
    auto timed = stays;
    timed.workload = late.workload = WEIR_WORKLOAD_UNKNOWN;
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.2")));
    ASSERT_TRUE(engine.tidy());
    put(tables, late, counts(3));
    put(tables, late, 2U);
    put(tables, timed, 5U);
    ASSERT_TRUE(engine.tidy());
    EXPECT_TRUE(has(tables, late)) << "looked for now and then only";
    ASSERT_TRUE(engine.tidy(Edges::kAll));
    EXPECT_FALSE(has(tables, late));
    EXPECT_EQ(opened(tables, left(tables, WEIR_WORKLOAD_UNKNOWN)), 3U);
    EXPECT_TRUE(tables.latency.find(timed).value()) << "its endpoint is there";
    put(tables, late, 4U);  // times alone
    ASSERT_TRUE(engine.tidy(Edges::kAll));
    EXPECT_FALSE(tables.latency.find(late).value());
    const auto times = tables.latency.find(left(tables, WEIR_WORKLOAD_UNKNOWN)).value();
    ASSERT_TRUE(times);
    EXPECT_EQ(times->of[WEIR_LATENCY_FIRST_BYTE].count, 6U);
}

TEST_F(Tidy, CallersThatLeftAreOneForAll) {
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1")));
    const auto& tables = engine.tables();
    const auto row = row_of(tables, "10.1.0.1");
    auto first = key_of(tables, 0, row), second = first, held = first, unknown = first;
    second.workload = 8, held.workload = 9, unknown.workload = WEIR_WORKLOAD_UNKNOWN;
    auto open = counts(1);
    open.active = 1;
    for (const auto& [key, edge] : {std::pair(first, counts(5)), std::pair(second, counts(6)),
                                    std::pair(held, open), std::pair(unknown, counts(2))})
        put(tables, key, edge);
    put(tables, first, 3U);
    put(tables, second, 4U);
    ASSERT_TRUE(engine.tidy());
    EXPECT_TRUE(has(tables, first)) << "looked for now and then only";
    ASSERT_TRUE(engine.tidy(Edges::kAll));
    EXPECT_FALSE(has(tables, first) || has(tables, second));
    EXPECT_TRUE(has(tables, held) && has(tables, unknown));
    const auto departed = left(tables, WEIR_WORKLOAD_DEPARTED);
    EXPECT_EQ(opened(tables, departed), 11U);
    EXPECT_EQ(tables.latency.find(departed).value()->of[WEIR_LATENCY_FIRST_BYTE].count, 7U);
    ASSERT_TRUE(engine.tidy(Edges::kAll));
    EXPECT_EQ(opened(tables, departed), 11U) << "it is not folded into itself";
    EXPECT_EQ(adopt(tables).value().next_workload, 10U) << "they are no caller of their own";
}

TEST_F(Tidy, FullTablesHaveRoomForWhatIsFolded) {
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1,10.1.0.2")));
    const auto& tables = engine.tables();
    const auto key = key_of(tables, 0, row_of(tables, "10.1.0.1"));
    put(tables, key, counts(4));
    put(tables, key, 9U);
    auto filler = key_of(tables, 0, row_of(tables, "10.1.0.2"));
    const weir_latency none{};
    const auto edge = counts(1);
    while (bpf_map_update_elem(tables.latency.fd(), &filler, &none, BPF_NOEXIST) == 0)
        filler.workload++;
    while (bpf_map_update_elem(tables.edge.fd(), &filler, &edge, BPF_NOEXIST) == 0)
        filler.workload++;
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.2")));
    ASSERT_TRUE(engine.tidy());
    EXPECT_FALSE(has(tables, key));
    EXPECT_FALSE(tables.latency.find(key).value());
    EXPECT_EQ(opened(tables, left(tables, 7)), 4U);
    const auto times = tables.latency.find(left(tables, 7)).value();
    ASSERT_TRUE(times);
    EXPECT_EQ(times->of[WEIR_LATENCY_FIRST_BYTE].count, 9U);
}

}  // namespace
}  // namespace weir
