// SPDX-License-Identifier: Apache-2.0
// A writer that stops after the n-th write, for every n: per address the kernel holds the old or
// the new, and after a restart exactly what is wanted.
#include <gmock/gmock.h>

#include <bit>
#include <map>
#include <set>

#include "bpf/core/pick.h"
#include "bpf/core/published.h"
#include "bpf/core/vip_filter.h"
#include "tests/kernel/fixture.h"
#include "userspace/model/compile.h"

namespace weir {
namespace {

// What a connect to each address can lead to: endpoints by turns. Read as the kernel reads it.
using Seen = std::map<std::string, std::map<std::string, int>>;

bool filter_lets_pass(const Tables& tables, const weir_vip_key& key) {
    const auto bit = weir_vip_filter_bit(&key);
    return (tables.vip_filter[weir_vip_filter_word(bit)] & weir_vip_filter_mask(bit)) != 0;
}

std::size_t bits_set(const Tables& tables) {
    std::size_t sum = 0;
    for (std::uint32_t word = 0; word < tables.vip_filter.size(); word++)
        sum += static_cast<std::size_t>(std::popcount(tables.vip_filter[word]));
    return sum;
}

Seen see(const Tables& tables) {
    Seen seen;
    const auto keys = tables.vip.keys();
    EXPECT_TRUE(keys);
    for (const auto& key : *keys) {
        const auto id = tables.vip.find(key).value()->svc_port;
        auto& endpoints = seen[Addr(key.addr).str()];
        const auto& row = tables.svc_port[id];
        EXPECT_TRUE(filter_lets_pass(tables, key)) << "an address that connects would go past";
        EXPECT_NE(row.published, 0U) << "an address leads to a service port that is not published";
        const auto published = weir_published_decode(row.published);
        const auto& settings = row.settings[published.settings];
        for (std::uint32_t slot = 0; slot < settings.both.count; slot++) {
            const auto index =
                weir_packed_index(tables.slot[published.offset + weir_packed_word(slot)], slot);
            const auto& endpoint = tables.endpoint[settings.endpoint_base + index];
            EXPECT_EQ(endpoint.svc_port, id) << "a slot leads to another service port's endpoint";
            endpoints[Addr(endpoint.addr).str()]++;
        }
    }
    return seen;
}

// By address, the endpoints that show in the rows of its service port: what those see who look
// through them all, for the health of a service.
std::map<std::string, std::multiset<std::string>> shown(const Tables& tables) {
    std::map<std::string, std::multiset<std::string>> all;
    const auto keys = tables.vip.keys();
    EXPECT_TRUE(keys);
    for (const auto& key : *keys) {
        const auto id = tables.vip.find(key).value()->svc_port;
        const auto& settings =
            tables.svc_port[id]
                .settings[weir_published_decode(tables.svc_port[id].published).settings];
        auto& endpoints = all[Addr(key.addr).str()];
        for (std::uint32_t i = 0; i < settings.endpoint_capacity; i++)
            if (const auto& row = tables.endpoint[settings.endpoint_base + i];
                row.svc_port == id && row.generation != 0 && row.flags == 0)
                endpoints.insert(Addr(row.addr).str());
    }
    return all;
}

std::map<std::string, std::multiset<std::string>> names_in(const Seen& seen) {
    std::map<std::string, std::multiset<std::string>> names;
    for (const auto& [address, endpoints] : seen)
        for (auto& into = names[address]; const auto& [endpoint, turns] : endpoints)
            into.insert(endpoint);
    return names;
}

class Publishing : public KernelTest {};

struct Change {
    const char* name;
    const char* before;
    const char* after;
};

class Interrupted : public Publishing, public testing::WithParamInterface<Change> {};

TEST_P(Interrupted, HoldsTheOldOrTheNewAndThenExactlyTheNew) {
    start_plane();
    auto engine = start_engine();
    const auto before = mesh(GetParam().before), after = mesh(GetParam().after);
    ASSERT_TRUE(engine.apply(before));
    const auto old_view = see(engine.tables());
    ASSERT_TRUE(engine.apply(after));
    const auto new_view = see(engine.tables());
    ASSERT_NE(old_view, new_view);
    std::size_t stopped = 0;
    for (std::size_t n = 0;; n++) {
        ASSERT_TRUE(engine.apply(before));
        ASSERT_EQ(see(engine.tables()), old_view);
        Seen left = new_view;
        const auto applied = engine.apply(after, [&](std::size_t done) {
            if (done == n)
                left = see(engine.tables());  // before the engine itself puts things in order
            return done < n;
        });
        for (const auto& [address, endpoints] : left) {
            const bool is_old = old_view.contains(address) && old_view.at(address) == endpoints;
            const bool is_new = new_view.contains(address) && new_view.at(address) == endpoints;
            EXPECT_TRUE(is_old || is_new) << address << " after " << n << " writes";
        }
        for (const auto& [address, endpoints] : old_view)
            if (new_view.contains(address)) {
                EXPECT_TRUE(left.contains(address))
                    << address << " is missing after " << n << " writes";
            }
        if (applied)
            break;
        stopped++;
        auto next = start_engine();  // as the next agent does: from the tables alone
        ASSERT_TRUE(next.tidy());
        ASSERT_TRUE(next.apply(after));
        EXPECT_EQ(see(next.tables()), new_view) << "after a restart, " << n << " writes";
        EXPECT_EQ(bits_set(next.tables()), new_view.size())
            << "bits of no address, " << n << " writes";
        for (int twice = 0; twice < 2; twice++)
            ASSERT_TRUE(next.tidy());
        EXPECT_EQ(next.endpoint_fill().used % 4, 0U);
        EXPECT_EQ(shown(next.tables()), names_in(new_view)) << "ghosts, " << n << " writes";
        engine = start_engine();
    }
    EXPECT_GE(stopped, 2U);
}

INSTANTIATE_TEST_SUITE_P(
    Changes, Interrupted,
    testing::Values(Change{"Endpoints", "a=10.0.0.1:10.1.0.1,10.1.0.2",
                           "a=10.0.0.1:10.1.0.2*3,10.1.0.3"},
                    Change{"Growth", "a=10.0.0.1:10.1.0.1,10.1.0.2",
                           "a=10.0.0.1:10.1.0.1,10.1.0.3,10.1.0.4,10.1.0.5,10.1.0.6,10.1.0.7"},
                    Change{"Empty", "a=10.0.0.1:10.1.0.1", "a=10.0.0.1"},
                    Change{"Services", "a=10.0.0.1:10.1.0.1 b=10.0.0.2:10.1.0.2",
                           "b=10.0.0.2:10.1.0.3 c=10.0.0.3:10.1.0.1"},
                    Change{"Addresses", "a=10.0.0.1,10.0.0.2:10.1.0.1 b=10.0.0.3:10.1.0.2",
                           "a=10.0.0.1:10.1.0.1 b=10.0.0.2,10.0.0.3:10.1.0.2"},
                    Change{"Takeover", "a=10.0.0.1:10.1.0.1 z=10.0.0.9:10.1.0.9",
                           "b=10.0.0.1:10.1.0.2 z=10.0.0.9:10.1.0.9,10.1.0.8"}),
    [](const auto& info) { return info.param.name; });

TEST_F(Publishing, ManyRandomMeshesLeaveNothingBehind) {
    start_plane();
    auto engine = start_engine();
    unsigned seed = 1;
    for (int round = 0; round < 40; round++) {
        std::string text;
        for (int s = 0; s < 5; s++) {
            if (::rand_r(&seed) % 3 == 0)
                continue;
            text += " s" + std::to_string(s) + "=10.0.0." + std::to_string(s + 1) + ":10.9.9.9";
            for (int e = 0; e < 12; e++)
                if (::rand_r(&seed) % 2 == 0)
                    text += ",10.1." + std::to_string(s) + "." + std::to_string(e + 1);
        }
        ASSERT_TRUE(engine.apply(mesh(text)));
        ASSERT_TRUE(engine.tidy());
    }
    ASSERT_TRUE(engine.apply(mesh("")));
    ASSERT_TRUE(engine.tidy());
    EXPECT_EQ(engine.endpoint_fill().used, 0U);
    EXPECT_EQ(engine.slot_fill().used, 0U);
    EXPECT_EQ(engine.port_fill().used, 0U);
    EXPECT_EQ(bits_set(engine.tables()), 0U);
}

TEST_F(Publishing, ARestartWritesNothingWhenNothingChanged) {
    start_plane();
    const auto wanted = mesh("a=10.0.0.1:10.1.0.1,10.1.0.2*3 b=10.0.0.2");
    auto engine = start_engine();
    const auto first = engine.apply(wanted);
    ASSERT_TRUE(first);
    EXPECT_GT(first->operations, 0U);
    auto next = start_engine();
    const auto second = next.apply(wanted);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->operations, 0U);
    EXPECT_EQ(second->generation, first->generation);
}

// Light endpoints have no turn in the schedule of all, but one in that of their family.
TEST_F(Publishing, ARestartHoldsTheRowsOfEverySchedule) {
    auto sizes = small_sizes();
    sizes.endpoints = 4096;
    sizes.slot_words = 65536;
    start_plane(sizes);
    std::string text = "a=10.0.0.1:10.1.0.1,10.1.0.2";
    for (int i = 1; i <= 699; i++)
        text += ",fd00::" + std::to_string(i) + "*1000000";
    const auto wanted = mesh(text);
    auto engine = start_engine();
    const auto first = engine.apply(wanted);
    ASSERT_TRUE(first && first->refusals.empty());
    auto next = start_engine();
    const auto again = next.apply(wanted);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->operations, 0U);
}

TEST_F(Publishing, AFullTableRefusesTheNewAndKeepsTheOld) {
    auto sizes = small_sizes();
    sizes.vips = 2;
    start_plane(sizes);
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1 b=10.0.0.2:10.1.0.2")));
    const auto view = see(engine.tables());
    const auto report =
        engine.apply(mesh("a=10.0.0.1:10.1.0.1 b=10.0.0.2:10.1.0.2 c=10.0.0.3:10.1.0.3"));
    ASSERT_TRUE(report);
    ASSERT_EQ(report->refusals.size(), 1U);
    EXPECT_EQ(report->refusals[0].subject, "c:80/TCP");
    EXPECT_EQ(report->refusals[0].reason, "table weir_vip is full");
    EXPECT_EQ(see(engine.tables()), view);
}

}  // namespace
}  // namespace weir
