// SPDX-License-Identifier: Apache-2.0
// The choice as the kernel makes it, for every algorithm: each endpoint is reached, loads are
// compared, and a client has the owner that user space computes.
#include <bpf/bpf.h>
#include <choice.skel.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <tuple>

#include "bpf/core/consistent_hash.h"
#include "tests/kernel/fixture.h"
#include "userspace/model/hash_table.h"

namespace weir {
namespace {

using Case = std::tuple<Algorithm, unsigned>;  // endpoints

class Choice : public KernelTest, public testing::WithParamInterface<Case> {
  protected:
    // The n-th endpoint has the label n = its number modulo 3.
    void start(const std::vector<Subset>& subsets = {}, const std::string& zone = "") {
        const auto [algorithm, endpoints] = GetParam();
        auto sizes = small_sizes();
        sizes.slot_words = 1U << 16U;  // two tables of all hash slots, and more
        start_plane(sizes);
        engine_.emplace(start_engine());
        Snapshot snapshot = mesh("a=10.0.0.1");
        auto service = std::make_shared<Service>(snapshot.services.at("a"));
        service->algorithm = algorithm;
        service->subsets = subsets;
        service->prefers_zone = !zone.empty();
        engine_->set_zone(zone);
        for (unsigned n = 0; n < endpoints; n++)
            service->endpoints.push_back({*Addr::parse("10.1.0." + std::to_string(n + 1)),
                                          1 + n % 3,
                                          n % 2 == 0 ? "even" : "odd",
                                          {{"n", std::to_string(n % 3)}}});
        snapshot.services.put(std::move(service));
        const auto report = engine_->apply(snapshot);
        ASSERT_TRUE(report && report->refusals.empty());
        reader_ = choice_bpf::open();
        ASSERT_NE(reader_, nullptr);
        share_tables(reader_->obj);
        ASSERT_EQ(choice_bpf::load(reader_), 0);
    }
    void TearDown() override {
        if (reader_ != nullptr)
            choice_bpf::destroy(reader_);
        engine_.reset();
        KernelTest::TearDown();
    }

    // The address of the endpoint that the kernel picks.
    std::string pick(std::uint64_t client) const {
        std::array<std::uint64_t, 8> packet{client};
        LIBBPF_OPTS(bpf_test_run_opts, options);
        options.data_in = packet.data();
        options.data_size_in = sizeof(packet);
        options.repeat = 1;
        EXPECT_EQ(bpf_prog_test_run_opts(bpf_program__fd(reader_->progs.choose), &options), 0);
        const __u32 zero = 0;
        __u32 row = 0;
        EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(reader_->maps.chosen), &zero, &row), 0);
        return row < engine_->tables().endpoint.size()
                   ? Addr(engine_->tables().endpoint[row].addr).str()
                   : "none";
    }

    std::optional<Engine> engine_;
    choice_bpf* reader_ = nullptr;
};

TEST_P(Choice, EveryEndpointIsReached) {
    start();
    std::map<std::string, int> picked;
    for (std::uint64_t client = 1; client <= 1500; client++)
        picked[pick(weir_mix64(client))]++;
    EXPECT_EQ(picked.size(), std::get<1>(GetParam()));
    EXPECT_FALSE(picked.contains("none"));
}

// The last number of the address: of the n-th endpoint it is n + 1.
unsigned number_of(const std::string& address) {
    return static_cast<unsigned>(std::stoul(address.substr(address.rfind('.') + 1)));
}

TEST_P(Choice, SubsetsHaveTheirWeights) {
    const auto [algorithm, endpoints] = GetParam();
    if (endpoints != 5 && endpoints != 40)  // an emulated machine is slow
        return;
    start({{"one", {{"n", "1"}}, 10}, {"two", {{"n", "2"}}, 7}, {"none", {{"n", "3"}}, 50}});
    std::map<unsigned, int> picked;
    std::set<std::string> addresses;
    for (std::uint64_t client = 1; client <= 510; client++) {
        const auto address = pick(weir_mix64(client));
        addresses.insert(address);
        picked[(number_of(address) - 1) % 3]++;
    }
    EXPECT_EQ(picked.size(), 2U);
    EXPECT_NEAR(picked[1], 300, 3);  // turns are spread evenly
    EXPECT_NEAR(picked[2], 210, 3);
    EXPECT_EQ(addresses.size(), endpoints - (endpoints + 2) / 3);
}

TEST_P(Choice, TheOwnZoneComesFirst) {
    const auto [algorithm, endpoints] = GetParam();
    if (endpoints != 5 && endpoints != 40)
        return;
    start({}, "odd");
    std::set<unsigned> numbers;
    for (std::uint64_t client = 1; client <= 500; client++)
        numbers.insert(number_of(pick(weir_mix64(client))));
    // Least-latency: of two that are idle, the one with more weight always wins.
    const auto wanted = algorithm == Algorithm::kLeastLatency ? numbers.size() : endpoints / 2;
    EXPECT_EQ(numbers.size(), wanted);
    for (const auto number : numbers)
        EXPECT_EQ(number % 2, 0U) << number;  // the second is the first odd one
}

TEST_P(Choice, AClientHasTheOwnerThatUserSpaceComputes) {
    const auto [algorithm, count] = GetParam();
    if (algorithm != Algorithm::kConsistentHash)
        return;
    start();
    std::vector<WeightedIndex> entries;
    for (unsigned n = 0; n < count; n++) {
        const auto addr = Addr::parse("10.1.0." + std::to_string(n + 1))->raw();
        entries.push_back({static_cast<std::uint16_t>(n), 1 + n % 3, true,
                           weir_endpoint_seed(&addr, htons(8080))});
    }
    const auto owners = hash_table(in_hash_order(entries));
    for (std::uint64_t number = 1; number <= 1000; number++) {
        const auto client = weir_mix64(number);
        ASSERT_EQ(pick(client), "10.1.0." + std::to_string(owners.at(weir_hash_slot(client)) + 1));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Algorithms, Choice,
    testing::Combine(testing::Values(Algorithm::kRandom, Algorithm::kRoundRobin,
                                     Algorithm::kLeastConnections, Algorithm::kLeastLatency,
                                     Algorithm::kConsistentHash),
                     testing::Values(1U, 5U, 32U, 40U)));

}  // namespace
}  // namespace weir
