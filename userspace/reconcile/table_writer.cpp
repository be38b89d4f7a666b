// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/table_writer.h"

#include <atomic>

#include "bpf/core/vip_filter.h"
#include "maps/clock.h"
#include "maps/grace.h"
#include "maps/mapped_row.h"
#include "userspace/reconcile/holds.h"

namespace weir {
namespace {

class Writer {
  public:
    Writer(Tables& tables, Mirror& mirror) : tables_(tables), mirror_(mirror) {}

    Status operator()(const WriteEndpoint& write) {
        if (write.id >= tables_.endpoint.size())
            return fail("endpoint row " + std::to_string(write.id) + " is beyond its table");
        WEIR_CHECK(begin_state(write));
        tables_.endpoint[write.id] = mirror_.endpoint(write.id) = write.row;
        return {};
    }
    // Sockets hold the row: the kernel goes on counting them. No connect can reach it.
    Status operator()(const RenewEndpoint& write) {
        WEIR_TRY(auto state, MappedRow<weir_ep_state>::map(tables_.ep_state.fd(), write.id));
        for (auto* count : {&state->failures, &state->resets, &state->ejections})
            std::atomic_ref<__u32>(*count).store(0);
        for (auto* word : {&state->window, &state->latency_word, &state->held_until_ns,
                           &state->ejected_until_ns})
            MmapArray<weir_ep_state>::store_word(*word, 0);
        MmapArray<weir_ep_state>::store_word(state->changed_ns, monotonic_ns());
        return {};
    }
    Status operator()(const FlagEndpoint& write) {
        if (write.id >= tables_.endpoint.size())
            return fail("endpoint row " + std::to_string(write.id) + " is beyond its table");
        mirror_.endpoint(write.id).flags = write.flags;
        __atomic_store_n(&tables_.endpoint[write.id].flags, write.flags, __ATOMIC_RELEASE);
        return {};
    }
    Status operator()(const MoveEndpoint& write) {
        if (write.id >= tables_.endpoint.size())
            return fail("endpoint row " + std::to_string(write.id) + " is beyond its table");
        mirror_.endpoint(write.id).moved_to = write.to + 1;
        __atomic_store_n(&tables_.endpoint[write.id].moved_to, write.to + 1, __ATOMIC_RELEASE);
        return write.was_its_own ? take_over_hold(tables_, write.id, write.to) : Status();
    }
    Status operator()(const WriteSlots& write) {
        if (write.offset + write.words.size() > tables_.slot.size())
            return fail("slots are beyond their table");
        auto id = write.offset;
        for (const auto word : write.words) {
            tables_.slot[id] = mirror_.slot(id) = word;
            id++;
        }
        return {};
    }
    Status operator()(const WriteSettings& write) {
        if (write.svc_port >= tables_.svc_port.size() || write.which > 1)
            return fail("settings are beyond their table");
        tables_.svc_port[write.svc_port].settings[write.which] =
            mirror_.svc_port(write.svc_port).settings[write.which] = write.row;
        return {};
    }
    // The counts are the kernel's own, but nothing leads there yet and nobody holds them any more.
    Status operator()(const ResetPort& write) {
        if (write.svc_port >= tables_.svc_port.size())
            return fail("service port row is beyond its table");
        auto& row = tables_.svc_port[write.svc_port];
        MmapArray<weir_svc_port>::store_word(row.off_until_ns, 0);
        MmapArray<weir_svc_port>::store_word(row.held_until_ns, 0);
        return tables_.svc_state.put(write.svc_port, {});
    }
    Status operator()(const Publish& write) {
        if (write.svc_port >= tables_.svc_port.size())
            return fail("service port row is beyond its table");
        mirror_.svc_port(write.svc_port).published = write.word;
        MmapArray<weir_svc_port>::store_word(tables_.svc_port[write.svc_port].published,
                                             write.word);
        return {};
    }
    Status operator()(const SetVipFilter& write) {
        auto& word = tables_.vip_filter[weir_vip_filter_word(write.bit)];
        MmapArray<__u64>::store_word(word, word | weir_vip_filter_mask(write.bit));
        return {};
    }
    Status operator()(const ClearVipFilter& write) {
        auto& word = tables_.vip_filter[weir_vip_filter_word(write.bit)];
        MmapArray<__u64>::store_word(word, word & ~weir_vip_filter_mask(write.bit));
        return {};
    }
    Status operator()(const InsertVip& write) {
        return tables_.vip.put(write.key, {write.svc_port}, BPF_NOEXIST);
    }
    Status operator()(const MoveVip& write) {
        return tables_.vip.put(write.key, {write.svc_port}, BPF_EXIST);
    }
    Status operator()(const DeleteVip& write) { return tables_.vip.erase(write.key); }
    Status operator()(const PutPattern& write) {
        return tables_.cg_prefix.put(pattern_key(write.pattern), write.workload);
    }
    Status operator()(const DeletePattern& write) {
        return tables_.cg_prefix.erase(pattern_key(write.pattern));
    }
    Status operator()(const Grace&) {
        wait_for_grace_period();
        return {};
    }

  private:
    // What the kernel knows of an endpoint begins here, or comes along from the row it had. No
    // socket holds the row and no connect can reach it: nobody writes it but this. What connects
    // find out meanwhile about a row that is left is not in it; what holds that one is counted
    // there.
    Status begin_state(const WriteEndpoint& write) {
        weir_ep_state fresh{};
        fresh.changed_ns = monotonic_ns();
        if (write.was) {
            WEIR_TRY(const auto was, tables_.ep_state.find(*write.was));
            fresh = write.returned ? fresh : was.value_or(fresh);
            fresh.moved_from = *write.was + 1;
        }
        fresh.generation = write.row.generation;
        fresh.active = 0;
        if (write.row.generation > 1) {
            WEIR_TRY(const auto state, tables_.ep_state.find(write.id));
            fresh.active = state ? state->active : 0;
        }
        return tables_.ep_state.put(write.id, fresh);
    }

    Tables& tables_;
    Mirror& mirror_;
};

}  // namespace

std::uint64_t mend_vip_filter(Tables& tables, const LiveState& live) {
    std::uint64_t mended = 0;
    for (std::uint32_t word = 0; word < tables.vip_filter.size(); word++) {
        std::uint64_t wanted = 0;
        for (std::uint32_t bit = word * 64; bit < word * 64 + 64; bit++)
            if (live.vip_filter[bit] != 0)
                wanted |= weir_vip_filter_mask(bit);
        if (tables.vip_filter[word] == wanted)
            continue;
        MmapArray<__u64>::store_word(tables.vip_filter[word], wanted);
        mended++;
    }
    return mended;
}

Result<std::size_t> carry_out(Tables& tables, Mirror& mirror,
                              const std::vector<Operation>& operations, const BeforeWrite& before) {
    Writer writer(tables, mirror);
    std::size_t done = 0;
    for (const auto& operation : operations) {
        if (before && !before(done))
            return done;
        WEIR_CHECK(std::visit(writer, operation));
        done++;
    }
    return done;
}

}  // namespace weir
