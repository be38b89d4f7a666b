// SPDX-License-Identifier: Apache-2.0
// The contract between programs and user space: sizes and offsets of every shared struct as the
// compiled programs have them (BTF), against C++; names; what the verifier says, against a budget.
#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <map>
#include <sstream>

#include "maps/abi/edge.h"
#include "maps/abi/node.h"
#include "maps/abi/service.h"
#include "maps/abi/state.h"
#include "maps/abi/udp.h"
#include "maps/abi/workload.h"
#include "maps/reason_names.h"
#include "tests/kernel/fixture.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace weir {
namespace {

struct Field {
    const char* name;
    std::size_t offset;
};
struct Layout {
    const char* name;
    std::size_t size;
    std::vector<Field> fields;
};

#define F(type, field)                \
    Field {                           \
        #field, offsetof(type, field) \
    }
#define LAYOUT(type, ...)      \
    Layout {                   \
        #type, sizeof(type), { \
            __VA_ARGS__        \
        }                      \
    }

const std::vector<Layout> kLayouts{
    LAYOUT(weir_addr, F(weir_addr, w)),
    LAYOUT(weir_vip_key, F(weir_vip_key, addr), F(weir_vip_key, port), F(weir_vip_key, proto),
           F(weir_vip_key, pad)),
    LAYOUT(weir_vip, F(weir_vip, svc_port)),
    LAYOUT(weir_slot_set, F(weir_slot_set, offset), F(weir_slot_set, count)),
    LAYOUT(weir_svc_settings, F(weir_svc_settings, endpoint_base),
           F(weir_svc_settings, endpoint_capacity), F(weir_svc_settings, born),
           F(weir_svc_settings, algorithm), F(weir_svc_settings, flags), F(weir_svc_settings, both),
           F(weir_svc_settings, v4), F(weir_svc_settings, v6), F(weir_svc_settings, affinity_s),
           F(weir_svc_settings, mode), F(weir_svc_settings, eject_ms),
           F(weir_svc_settings, eject_after), F(weir_svc_settings, eject_percent),
           F(weir_svc_settings, events_every), F(weir_svc_settings, slow_start_ms),
           F(weir_svc_settings, max_connections), F(weir_svc_settings, max_per_endpoint),
           F(weir_svc_settings, rate_interval_ns), F(weir_svc_settings, rate_burst),
           F(weir_svc_settings, connect_ms), F(weir_svc_settings, tcp_user_ms),
           F(weir_svc_settings, keepalive_time_s), F(weir_svc_settings, keepalive_interval_s),
           F(weir_svc_settings, keepalive_probes), F(weir_svc_settings, min_in_percent),
           F(weir_svc_settings, window_ms), F(weir_svc_settings, fail_percent),
           F(weir_svc_settings, fail_least), F(weir_svc_settings, idle_ms),
           F(weir_svc_settings, subsets), F(weir_svc_settings, words),
           F(weir_svc_settings, answer_ms)),
    LAYOUT(weir_svc_port, F(weir_svc_port, published), F(weir_svc_port, off_until_ns),
           F(weir_svc_port, held_until_ns), F(weir_svc_port, settings)),
    LAYOUT(weir_endpoint, F(weir_endpoint, addr), F(weir_endpoint, port), F(weir_endpoint, flags),
           F(weir_endpoint, moved_to), F(weir_endpoint, svc_port), F(weir_endpoint, generation)),
    LAYOUT(weir_udp_flow, F(weir_udp_flow, edge), F(weir_udp_flow, service_addr),
           F(weir_udp_flow, endpoint_addr), F(weir_udp_flow, service_port),
           F(weir_udp_flow, endpoint_port), F(weir_udp_flow, state), F(weir_udp_flow, mode),
           F(weir_udp_flow, used_ns)),
    LAYOUT(weir_udp_sock, F(weir_udp_sock, lock), F(weir_udp_sock, spilled),
           F(weir_udp_sock, flows), F(weir_udp_sock, reserved)),
    LAYOUT(weir_udp_spill_key, F(weir_udp_spill_key, cookie), F(weir_udp_spill_key, addr),
           F(weir_udp_spill_key, port), F(weir_udp_spill_key, by), F(weir_udp_spill_key, pad)),
    LAYOUT(weir_edge_key, F(weir_edge_key, workload), F(weir_edge_key, svc_port),
           F(weir_edge_key, endpoint), F(weir_edge_key, generation)),
    LAYOUT(weir_edge, F(weir_edge, opened), F(weir_edge, closed), F(weir_edge, failed),
           F(weir_edge, active), F(weir_edge, untracked), F(weir_edge, failed_by),
           F(weir_edge, bytes_sent), F(weir_edge, bytes_received), F(weir_edge, retransmits),
           F(weir_edge, resets_sent), F(weir_edge, resets_received), F(weir_edge, datagrams_sent),
           F(weir_edge, datagrams_received)),
    LAYOUT(weir_histogram, F(weir_histogram, count), F(weir_histogram, sum_us),
           F(weir_histogram, buckets)),
    LAYOUT(weir_latency, F(weir_latency, of), F(weir_latency, left_out), F(weir_latency, reserved)),
    LAYOUT(weir_ep_state, F(weir_ep_state, generation), F(weir_ep_state, tried_ms),
           F(weir_ep_state, active), F(weir_ep_state, ejected_until_ns),
           F(weir_ep_state, changed_ns), F(weir_ep_state, failures), F(weir_ep_state, resets),
           F(weir_ep_state, ejections), F(weir_ep_state, failing), F(weir_ep_state, latency_word),
           F(weir_ep_state, held_until_ns), F(weir_ep_state, window), F(weir_ep_state, moved_from),
           F(weir_ep_state, pad)),
    LAYOUT(weir_svc_state, F(weir_svc_state, other), F(weir_svc_state, cursor),
           F(weir_svc_state, cursor_v4), F(weir_svc_state, cursor_v6), F(weir_svc_state, events),
           F(weir_svc_state, ejections), F(weir_svc_state, active), F(weir_svc_state, panicked_ns),
           F(weir_svc_state, panic_word), F(weir_svc_state, subset_turn),
           F(weir_svc_state, group_turns)),
    LAYOUT(weir_answered_key, F(weir_answered_key, netns), F(weir_answered_key, svc_port),
           F(weir_answered_key, pad)),
    LAYOUT(weir_answered, F(weir_answered, at_ns)),
    LAYOUT(weir_rate_key, F(weir_rate_key, workload), F(weir_rate_key, svc_port)),
    LAYOUT(weir_rate, F(weir_rate, due_ns)),
    LAYOUT(weir_sock, F(weir_sock, phase), F(weir_sock, sampled), F(weir_sock, edge),
           F(weir_sock, service_addr), F(weir_sock, endpoint_addr), F(weir_sock, service_port),
           F(weir_sock, endpoint_port), F(weir_sock, on_other), F(weir_sock, sent),
           F(weir_sock, received), F(weir_sock, retransmits), F(weir_sock, asked),
           F(weir_sock, started_ns), F(weir_sock, heard_ns), F(weir_sock, connect_us),
           F(weir_sock, first_byte_us), F(weir_sock, told), F(weir_sock, protocol),
           F(weir_sock, user_ms), F(weir_sock, deadline), F(weir_sock, keeps_alive)),
    LAYOUT(weir_event, F(weir_event, abi), F(weir_event, kind), F(weir_event, at_ns),
           F(weir_event, started_ns), F(weir_event, edge), F(weir_event, service_addr),
           F(weir_event, endpoint_addr), F(weir_event, service_port), F(weir_event, endpoint_port),
           F(weir_event, protocol), F(weir_event, failure), F(weir_event, cut_off_by),
           F(weir_event, deadline), F(weir_event, sent), F(weir_event, received),
           F(weir_event, retransmits), F(weir_event, rtt_us), F(weir_event, connect_us),
           F(weir_event, first_byte_us)),
    LAYOUT(weir_node, F(weir_node, heartbeat_ns), F(weir_node, started_ns), F(weir_node, agent_pid),
           F(weir_node, generation), F(weir_node, generation_ns), F(weir_node, mesh_digest),
           F(weir_node, relinked), F(weir_node, cgroup), F(weir_node, mode),
           F(weir_node, off_until_ns), F(weir_node, repaired), F(weir_node, events_read),
           F(weir_node, events_passed), F(weir_node, events_lost_shown),
           F(weir_node, events_left_out_shown), F(weir_node, detection_off_until_ns)),
    LAYOUT(weir_cg_prefix, F(weir_cg_prefix, prefixlen), F(weir_cg_prefix, path)),
    LAYOUT(weir_workload, F(weir_workload, id), F(weir_workload, mode), F(weir_workload, cohort)),
    LAYOUT(weir_affinity_key, F(weir_affinity_key, client), F(weir_affinity_key, svc_port),
           F(weir_affinity_key, reach)),
    LAYOUT(weir_affinity, F(weir_affinity, endpoint), F(weir_affinity, generation),
           F(weir_affinity, used_ns)),
};

btf* object_btf(const std::string& feature) {
    return btf__parse(std::string(WEIR_OBJECTS "/" + feature + ".bpf.o").c_str(), nullptr);
}

void expect_layout(const btf* types, const Layout& layout) {
    const auto id = btf__find_by_name_kind(types, layout.name, BTF_KIND_STRUCT);
    ASSERT_GT(id, 0) << "no program uses struct " << layout.name;
    const btf_type* type = btf__type_by_id(types, static_cast<__u32>(id));
    EXPECT_EQ(type->size, layout.size) << layout.name;
    ASSERT_EQ(btf_vlen(type), layout.fields.size()) << layout.name << ": list every field here";
    for (__u16 i = 0; i < btf_vlen(type); i++) {
        EXPECT_STREQ(btf__name_by_offset(types, btf_members(type)[i].name_off),
                     layout.fields[i].name);
        EXPECT_EQ(btf_member_bit_offset(type, i), layout.fields[i].offset * 8)
            << layout.name << "." << layout.fields[i].name;
    }
}

TEST(Abi, StructsAreTheSameOnBothSides) {
    btf* types = object_btf("steer");
    ASSERT_NE(types, nullptr);
    for (const auto& layout : kLayouts)
        expect_layout(types, layout);
    btf__free(types);
}

TEST(Abi, EveryReasonHasAName) {
    for (const auto& reason : kReasonNames) {
        EXPECT_FALSE(reason.name.empty());
        EXPECT_FALSE(reason.meaning.empty());
    }
}

class Objects : public KernelTest {};

unsigned verified_instructions(int program) {
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    EXPECT_EQ(bpf_obj_get_info_by_fd(program, &info, &size), 0);
    return info.verified_insns;
}

using Counts = std::map<std::string, unsigned>;

void count_verified(Counts& counts, const std::string& name, const SocketIterator& iterator) {
    if (iterator.over_table >= 0)
        counts[name] = verified_instructions(iterator.over_table);
    if (iterator.in_namespace[0] >= 0)
        counts[name + "_tcp"] = verified_instructions(iterator.in_namespace[0]);
    if (iterator.in_namespace[1] >= 0)
        counts[name + "_udp"] = verified_instructions(iterator.in_namespace[1]);
}

// The kind of iterators that is loaded where the other one is refused: it must load everywhere.
Result<Object> observe_in_namespaces(const PinDir& pins) {
    WEIR_TRY(Object object, open_observe({}, nullptr));
    object.drop_section("iter/bpf_sk_storage_map");
    WEIR_CHECK(object.load(pins, {}));
    return object;
}

TEST_F(Objects, LoadWithShortNamesAndWithinTheBudget) {
    start_plane();
    ASSERT_TRUE(plane_->count_datagrams(true));
    for (const auto& feature : plane_->features())
        EXPECT_TRUE(feature.complete) << feature.lost;
    Counts counts;
    counts["weir_resolve"] = verified_instructions(plane_->agent_programs().resolve);
    const auto programs = plane_->agent_programs();
    count_verified(counts, "weir_sweep", programs.sweep);
    count_verified(counts, "weir_list", programs.lists[0]);
    count_verified(counts, "weir_flows", programs.lists[1]);
    const auto in_namespaces = observe_in_namespaces(plane_->pins());
    ASSERT_TRUE(in_namespaces) << in_namespaces.error().message;
    count_verified(counts, "weir_sweep", socket_iterator(*in_namespaces, "weir_sweep", ""));
    count_verified(counts, "weir_list", socket_iterator(*in_namespaces, "weir_list", ""));
    count_verified(counts, "weir_flows", socket_iterator(*in_namespaces, "weir_flows", ""));
    counts["weir_fold"] = verified_instructions(plane_->agent_programs().fold);
    for (const auto& link : pinned_links(plane_->pins())) {
        EXPECT_TRUE(link.attached) << link.name;
        EXPECT_LE(link.name.size(), 15U);
        const Fd program(bpf_prog_get_fd_by_id(link.program_id));
        counts[link.name] = verified_instructions(program.get());
    }
    for (const auto& map : PinDir::names(plane_->pins().maps()))
        EXPECT_LE(map.size(), 15U) << map;
    utsname kernel{};
    ::uname(&kernel);
    const bool budgeted = std::string(kernel.release).starts_with("6.1.");
    std::ifstream file(WEIR_BUDGET);
    std::map<std::string, unsigned> budget;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string name;
        unsigned limit = 0;
        if (!line.starts_with('#') && words >> name >> limit)
            budget[name] = limit;
    }
    for (const auto& [name, count] : counts) {
        std::printf("verified %-16s %6u (budget on 6.1: %u)\n", name.c_str(), count, budget[name]);
        EXPECT_TRUE(budget.at(name) > 0) << name << " has no budget in " WEIR_BUDGET;
        EXPECT_LE(count, 500000U);
        if (budgeted) {
            EXPECT_LE(count, budget[name] * 11 / 10)
                << name << " got more than 10 % dearer to verify";
        }
    }
}

TEST_F(Objects, AStrangersPinsAreRefused) {
    ::mkdir((bpffs_ + "/weir").c_str(), 0755);
    const auto plane = DataPlane::claim(bpffs_, cgroup_);
    ASSERT_FALSE(plane);
    EXPECT_NE(plane.error().message.find("cannot be trusted"), std::string::npos);
    EXPECT_EQ(plane.error().exit_code, 18);
    ::rmdir((bpffs_ + "/weir").c_str());
}

TEST_F(Objects, AnotherLayoutIsRefused) {
    start_plane();
    stop_plane();
    const auto pin = PinDir(bpffs_).map("weir_vip");
    ::unlink(pin.c_str());
    const Fd map(bpf_map_create(BPF_MAP_TYPE_HASH, "weir_vip", 20, 8, 64, nullptr));
    ASSERT_EQ(bpf_obj_pin(map.get(), pin.c_str()), 0);
    auto plane = DataPlane::claim(bpffs_, cgroup_);
    ASSERT_TRUE(plane);
    const auto loaded = plane->load(small_sizes());
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().message.find("another layout"), std::string::npos);
}

TEST_F(Objects, ASecondAgentIsRefused) {
    start_plane();
    const auto second = DataPlane::claim(bpffs_, cgroup_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().exit_code, 16);
}

TEST_F(Objects, AStartThatDoesNotComeToItsEndLeavesWhatWasThere) {
    const auto pins = [&] {
        auto all = PinDir::names(PinDir(bpffs_).maps());
        for (const auto& name : PinDir::names(PinDir(bpffs_).links()))
            all.push_back(name);
        return all;
    };
    {
        auto plane = DataPlane::claim(bpffs_, cgroup_);
        ASSERT_TRUE(plane && plane->load(small_sizes()) && plane->attach());
        EXPECT_GE(pins().size(), 20U);
    }
    EXPECT_FALSE(PinDir(bpffs_).exists());
    EXPECT_TRUE(leftovers(bpffs_, cgroup_).empty());
    start_plane();
    stop_plane();
    const auto before = pins();
    {
        auto plane = DataPlane::claim(bpffs_, cgroup_);
        ASSERT_TRUE(plane && plane->load(small_sizes()) && plane->attach());
    }
    EXPECT_EQ(pins(), before);
    for (const auto& link : pinned_links(PinDir(bpffs_)))
        EXPECT_TRUE(link.attached) << link.name;
}

// Asked for or not, also by an agent that was there before; and repaired only while asked for.
TEST_F(Objects, DatagramsAreCountedOnlyWhereAskedFor) {
    const auto has_hooks = [&] {
        const auto links = PinDir::names(plane_->pins().links());
        return std::count(links.begin(), links.end(), "weir_egress") +
                   std::count(links.begin(), links.end(), "weir_ingress") ==
               2;
    };
    start_plane();
    EXPECT_FALSE(has_hooks());
    for (int i = 0; i < 2; i++) {
        ASSERT_TRUE(plane_->count_datagrams(true));
        EXPECT_TRUE(has_hooks());
    }
    stop_plane();
    start_plane();
    EXPECT_TRUE(has_hooks()) << "the mesh has not said otherwise";
    ASSERT_TRUE(Link::remove(plane_->pins().link("weir_egress")));
    EXPECT_EQ(plane_->repair(), 1);
    EXPECT_TRUE(has_hooks());
    ASSERT_TRUE(plane_->count_datagrams(false));
    EXPECT_EQ(plane_->repair(), 0);
    const auto others = std::count_if(kHooks.begin(), kHooks.end(), [](const Hook& hook) {
        return hook.what != Hook::For::kDatagrams;
    });
    EXPECT_EQ(std::ssize(PinDir::names(plane_->pins().links())), others);
    const Fd cgroup(::open(cgroup_.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(attached_programs(cgroup.get(), BPF_CGROUP_INET_EGRESS)->programs.empty());
}

TEST_F(Objects, AMissingHookIsSeen) {
    start_plane();
    ASSERT_TRUE(Link::remove(plane_->pins().link("weir_connect4")));
    const auto links = pinned_links(plane_->pins());
    const auto wanted = std::count_if(kHooks.begin(), kHooks.end(), [](const Hook& hook) {
        return ProgramSettings{}.wants(hook);
    });
    EXPECT_EQ(static_cast<std::ptrdiff_t>(links.size()), wanted);
    EXPECT_EQ(std::count_if(links.begin(), links.end(),
                            [](const LinkState& link) { return link.attached; }),
              wanted - 1);
}

TEST_F(Objects, ARestartKeepsTheObjects) {
    start_plane();
    const auto count = [&] {
        return PinDir::names(PinDir(bpffs_).maps()).size() +
               PinDir::names(PinDir(bpffs_).links()).size();
    };
    const auto before = count();
    for (int i = 0; i < 5; i++) {
        stop_plane();
        start_plane();
        EXPECT_EQ(count(), before);
        for (const auto type : {BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_SOCK_OPS}) {
            const Fd cgroup(::open(cgroup_.c_str(), O_RDONLY));
            EXPECT_EQ(attached_programs(cgroup.get(), type)->programs.size(), 1U);
        }
    }
}

}  // namespace
}  // namespace weir
