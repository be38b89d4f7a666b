// SPDX-License-Identifier: Apache-2.0
// A data plane of its own for one test: a bpffs and a cgroup that go away with it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "loader/data_plane.h"
#include "maps/tables.h"
#include "userspace/model/snapshot.h"
#include "userspace/reconcile/engine.h"

namespace weir {

class KernelTest : public testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    // Starts the data plane; call again after stop_plane() for a restart.
    void start_plane(const TableSizes& sizes = small_sizes());
    void stop_plane() { plane_.reset(); }
    Engine start_engine();
    // Gives a test's own programs the tables of the data plane; before they are loaded.
    void share_tables(bpf_object* object) const;
    static TableSizes small_sizes();

    // "a=10.0.0.1:10.1.0.1*9,10.1.0.2 b=…": services at port 80, endpoints at 8080, round-robin.
    static Snapshot mesh(const std::string& text);

    std::string directory_, bpffs_, cgroup_;
    std::unique_ptr<DataPlane> plane_;
};

}  // namespace weir
