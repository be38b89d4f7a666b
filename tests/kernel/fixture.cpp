// SPDX-License-Identifier: Apache-2.0
#include "tests/kernel/fixture.h"

#include <bpf/bpf.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>

#include "userspace/node/cgroups.h"

namespace weir {

void KernelTest::SetUp() {
    std::string pattern = "/tmp/weir-kernel-" + std::to_string(::getpid()) + "-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    bpffs_ = directory_ + "/bpffs";
    ASSERT_EQ(::mkdir(bpffs_.c_str(), 0700), 0);
    ASSERT_EQ(::mount("bpf", bpffs_.c_str(), "bpf", 0, nullptr), 0) << "needs root";
    const auto mount = find_cgroup2();
    ASSERT_TRUE(mount) << mount.error().message;
    cgroup_ = *mount + directory_.substr(directory_.rfind('/'));
    ASSERT_EQ(::mkdir(cgroup_.c_str(), 0755), 0);
}

void KernelTest::TearDown() {
    plane_.reset();
    EXPECT_TRUE(uninstall(bpffs_));
    EXPECT_TRUE(leftovers(bpffs_, cgroup_).empty());
    ::umount(bpffs_.c_str());
    ::rmdir(bpffs_.c_str());
    ::rmdir(directory_.c_str());
    ::rmdir(cgroup_.c_str());
}

TableSizes KernelTest::small_sizes() {
    TableSizes sizes;
    sizes.service_ports = sizes.vips = 64;
    sizes.endpoints = 1024;
    sizes.slot_words = 4096;
    return sizes;
}

void KernelTest::start_plane(const TableSizes& sizes) {
    auto plane = DataPlane::claim(bpffs_, cgroup_);
    ASSERT_TRUE(plane) << plane.error().message;
    for (const auto& done : {plane->load(sizes), plane->attach()})
        ASSERT_TRUE(done) << done.error().message;
    plane->keep();
    plane_ = std::make_unique<DataPlane>(std::move(*plane));
}

Engine KernelTest::start_engine() {
    auto tables = Tables::open(plane_->pins().maps(), Access::kWrite);
    EXPECT_TRUE(tables) << tables.error().message;
    auto engine = Engine::start(std::move(*tables), cgroup_);
    EXPECT_TRUE(engine) << engine.error().message;
    const auto settled = engine->settle(plane_->agent_programs(), false);
    EXPECT_TRUE(settled) << settled.error().message;
    return std::move(*engine);
}

void KernelTest::share_tables(bpf_object* object) const {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        const Fd pinned(bpf_obj_get(plane_->pins().map(bpf_map__name(map)).c_str()));
        if (pinned) {
            ASSERT_EQ(bpf_map__reuse_fd(map, pinned.get()), 0);
        }
    }
}

Snapshot KernelTest::mesh(const std::string& text) {
    Snapshot snapshot;
    std::istringstream services(text);
    for (std::string word; services >> word;) {
        auto service = std::make_shared<Service>();
        const auto equals = word.find('='), colon = word.find(':');
        service->name = word.substr(0, equals);
        service->algorithm = Algorithm::kRoundRobin;
        service->ports.push_back({"", 80, 8080, Protocol::kTcp, {}});
        std::istringstream vips(word.substr(equals + 1, colon - equals - 1));
        for (std::string vip; std::getline(vips, vip, ',');)
            service->addresses.push_back({*Addr::parse(vip), {}});
        std::istringstream endpoints(colon == std::string::npos ? "" : word.substr(colon + 1));
        for (std::string endpoint; std::getline(endpoints, endpoint, ',');) {
            const auto star = endpoint.find('*');
            const auto weight =
                star == std::string::npos ? 1 : std::stoul(endpoint.substr(star + 1));
            service->endpoints.push_back(
                {*Addr::parse(endpoint.substr(0, star)), static_cast<std::uint32_t>(weight), {}});
        }
        snapshot.services.put(std::move(service));
    }
    return snapshot;
}

}  // namespace weir
