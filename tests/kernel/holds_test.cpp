// SPDX-License-Identifier: Apache-2.0
// Who ejects or restores by hand does so beside an agent that moves endpoints to other rows:
// whichever of its writes it falls behind, the endpoint is out, or in, where connects find it.
#include "userspace/reconcile/holds.h"

#include <bpf/bpf.h>

#include <functional>

#include "maps/clock.h"
#include "tests/kernel/fixture.h"
#include "userspace/model/endpoint_rows.h"

namespace weir {
namespace {

class Holds : public KernelTest {
  protected:
    void SetUp() override {
        KernelTest::SetUp();
        start_plane();
    }

    // As the kernel does after failures.
    void put_out(EndpointRow row) {
        const Fd table(bpf_obj_get(plane_->pins().map("weir_ep_state").c_str()));
        weir_ep_state state{};
        ASSERT_EQ(bpf_map_lookup_elem(table.get(), &row.endpoint, &state), 0);
        state.ejected_until_ns = monotonic_ns() + 600'000'000'000;
        ASSERT_EQ(bpf_map_update_elem(table.get(), &row.endpoint, &state, BPF_ANY), 0);
    }

    // From nothing to one endpoint, and then to more than its rows have room for; `act`, with the
    // row that it had at first, comes in front of the write `at`, `begin` in front of them all. The
    // rows of the mesh after it.
    std::vector<EndpointState> grow(Engine& engine, std::size_t at,
                                    const std::function<void(EndpointRow)>& act,
                                    const std::function<void(EndpointRow)>& begin = {}) {
        EXPECT_TRUE(engine.apply(mesh("")));
        EXPECT_TRUE(engine.tidy() && engine.tidy());
        EXPECT_TRUE(engine.apply(mesh("a=10.0.0.1:10.1.0.1")));
        const auto id = endpoint_states(engine.tables(), 0).value().at(0).id;
        if (begin)
            begin({0, id});
        std::string grown = "a=10.0.0.1:10.1.0.1";
        for (int i = 2; i <= 60; i++)
            grown += ",10.1.0." + std::to_string(i);
        writes_ = 0;
        EXPECT_TRUE(engine.apply(mesh(grown), [&](std::size_t done) {
            writes_ = done + 1;
            if (done == at)
                act({0, id});
            return true;
        }));
        if (at == writes_)
            act({0, id});
        const auto states = endpoint_states(engine.tables(), 0).value();
        EXPECT_NE(states.at(0).id, id) << "it has not moved";
        return states;
    }

    std::size_t writes_ = 1;
};

TEST_F(Holds, AnEndpointThatIsEjectedWhileItMovesIsOut) {
    auto engine = start_engine();
    Tables operators = Tables::open(plane_->pins().maps(), Access::kWrite).value();
    const auto until = monotonic_ns() + 600'000'000'000;
    for (std::size_t at = 0; at <= writes_; at++) {
        const auto states = grow(engine, at, [&](EndpointRow row) {
            EXPECT_TRUE(eject_by_hand(operators, row, until));
        });
        for (const auto& one : states) {
            const bool is_meant = Addr(engine.tables().endpoint[one.id].addr).str() == "10.1.0.1";
            EXPECT_EQ(one.state.ejected_until_ns, is_meant ? until : 0) << "write " << at;
            EXPECT_EQ(one.state.held_until_ns, is_meant ? until : 0) << "write " << at;
        }
    }
    EXPECT_GT(writes_, 60U);
}

TEST_F(Holds, AnEndpointThatIsRestoredWhileItMovesIsIn) {
    auto engine = start_engine();
    Tables operators = Tables::open(plane_->pins().maps(), Access::kWrite).value();
    for (std::size_t at = 0; at <= writes_; at++) {
        const auto states = grow(
            engine, at, [&](EndpointRow row) { EXPECT_TRUE(restore_by_hand(operators, row)); },
            [&](EndpointRow row) { put_out(row); });
        for (const auto& one : states)
            EXPECT_EQ(one.state.ejected_until_ns, 0U) << "write " << at;
    }
}

}  // namespace
}  // namespace weir
