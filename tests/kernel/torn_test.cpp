// SPDX-License-Identifier: Apache-2.0
// 10^7 picks in the kernel while the rows are republished as fast as they go: none is torn. The
// same reader sees torn rows when the publishing rule is broken on purpose.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <torn.skel.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "bpf/core/published.h"
#include "tests/kernel/fixture.h"

namespace weir {
namespace {

constexpr std::uint64_t kPicks = 10'000'000;
constexpr std::uint64_t kGenerations = 200;
struct TornResult {
    __u64 picked, torn, missed;
};

class Torn : public KernelTest {
  protected:
    void load_reader() {
        reader_ = torn_bpf::open();
        ASSERT_NE(reader_, nullptr);
        share_tables(reader_->obj);
        ASSERT_EQ(torn_bpf::load(reader_), 0);
    }
    void TearDown() override {
        torn_bpf::destroy(reader_);
        KernelTest::TearDown();
    }

    TornResult result() const {
        TornResult found{};
        const __u32 zero = 0;
        EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(reader_->maps.torn_results), &zero, &found), 0);
        return found;
    }

    // Picks until `enough` were made and `also` holds, in runs short enough for grace periods to
    // end.
    template <typename Condition>
    void read(std::uint64_t enough, Condition also) const {
        std::array<char, 64> packet{};
        while (result().picked + result().missed < enough || !also()) {
            LIBBPF_OPTS(bpf_test_run_opts, options);
            options.data_in = packet.data();
            options.data_size_in = packet.size();
            options.repeat = 2000;
            ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(reader_->progs.check_pick), &options),
                      0);
        }
    }

    // Endpoints 10.<g>.<n> with port g, where g is the generation that they are published in.
    static Snapshot mesh_of_generation(std::uint64_t generation) {
        const auto g =
            static_cast<unsigned>(generation % ((1U << WEIR_GENERATION_BITS) - 1)) & 0x3fffU;
        Snapshot snapshot = mesh("a=10.0.0.1");
        auto service = std::make_shared<Service>(snapshot.services.at("a"));
        service->ports[0].target_port = static_cast<std::uint16_t>(g | 0x4000U);
        for (unsigned n = 1; n <= 3; n++)
            service->endpoints.push_back(
                {*Addr::parse("10." + std::to_string(g >> 8) + "." + std::to_string(g & 255) + "." +
                              std::to_string(n)),
                 1,
                 {}});
        snapshot.services.put(std::move(service));
        return snapshot;
    }

    torn_bpf* reader_ = nullptr;
};

TEST_F(Torn, NoneInTenMillionPicks) {
    start_plane();
    load_reader();
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh_of_generation(1)));
    std::atomic<bool> done = false;
    std::atomic<std::uint64_t> published = 0;
    std::thread reader([&] {
        read(kPicks, [&] { return published >= kGenerations || done; });
        done = true;
    });
    bool failed = false;
    while (!done && !failed) {
        const auto applied = engine.apply(mesh_of_generation(engine.generation() + 1));
        failed = !applied || !applied->refusals.empty() || !engine.tidy();
        published++;
    }
    done = true;
    reader.join();
    EXPECT_FALSE(failed);
    const auto found = result();
    std::printf("%llu picks over %llu generations: %llu torn, %llu missed\n", found.picked,
                static_cast<unsigned long long>(published.load()), found.torn, found.missed);
    EXPECT_GE(found.picked, kPicks);
    EXPECT_GE(published.load(), kGenerations);
    EXPECT_EQ(found.torn, 0U);
    EXPECT_EQ(found.missed, 0U);
}

TEST_F(Torn, SeenWhenPublishedRowsAreRewritten) {
    start_plane();
    load_reader();
    auto engine = start_engine();
    ASSERT_TRUE(engine.apply(mesh_of_generation(1)));
    auto writable = Tables::open(plane_->pins().maps(), Access::kWrite);
    ASSERT_TRUE(writable);
    std::atomic<bool> done = false;
    // On a busy machine reader and writer may take turns for a while.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::thread reader([&] {
        read(2'000'000,
             [&] { return result().torn > 0 || std::chrono::steady_clock::now() > deadline; });
        done = true;
    });
    // The broken rule: rows in use change in place, and the word after them.
    for (std::uint64_t generation = 2; !done; generation++) {
        const auto snapshot = mesh_of_generation(generation);
        const auto& service = snapshot.services.at("a");
        const auto published = weir_published_decode(writable->svc_port[0].published);
        const auto base = writable->svc_port[0].settings[published.settings].endpoint_base;
        for (std::uint32_t i = 0; i < 3; i++) {
            writable->endpoint[base + i].addr = service.endpoints[i].addr.raw();
            writable->endpoint[base + i].port = htons(service.ports[0].target_port);
        }
        MmapArray<weir_svc_port>::store_word(
            writable->svc_port[0].published,
            weir_published_encode(published.offset, published.settings, generation));
    }
    reader.join();
    std::printf("%llu torn of %llu with the rule broken\n", result().torn, result().picked);
    EXPECT_GT(result().torn, 0U);
}

}  // namespace
}  // namespace weir
