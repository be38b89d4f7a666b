// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/switches.h"

#include <atomic>

#include "bpf/core/mode.h"

namespace weir {
namespace {

__u64& word_of(Tables& tables, std::optional<std::uint32_t> svc_port) {
    return svc_port ? tables.svc_port[*svc_port].off_until_ns : tables.node[0].off_until_ns;
}

// The time in a word, 0 once that has come: then nobody pays for a look at the clock any more,
// unless it was just prolonged.
std::uint64_t until(__u64& word, std::uint64_t now_ns) {
    const auto until = MmapArray<weir_node>::load_word(word);
    if (until == 0 || weir_is_off(until, now_ns) != 0)
        return until;
    __u64 ended = until;
    std::atomic_ref<__u64>(word).compare_exchange_strong(ended, 0);
    return 0;
}

}  // namespace

Status switch_off_until(Tables& tables, std::optional<std::uint32_t> svc_port,
                        std::uint64_t until_ns) {
    if (svc_port && *svc_port >= tables.svc_port.size())
        return fail("service port row is beyond its table");
    MmapArray<weir_node>::store_word(word_of(tables, svc_port), until_ns);
    return {};
}

void detection_off_until(Tables& tables, std::uint64_t until_ns) {
    MmapArray<weir_node>::store_word(tables.node[0].detection_off_until_ns, until_ns);
}

std::vector<SwitchChange> SwitchWatch::look(Tables& tables, std::uint32_t rows,
                                            std::uint64_t now_ns) {
    std::vector<SwitchChange> changes;
    const auto look_at = [&](std::optional<std::uint32_t> svc_port) {
        auto& word = word_of(tables, svc_port);
        const bool was_set = MmapArray<weir_node>::load_word(word) != 0;
        const auto off_until = until(word, now_ns);
        const auto known = off_.find(svc_port);
        // One that came and went between two looks is told of too.
        const bool came_and_went = was_set && off_until == 0;
        if (!came_and_went && off_until == (known == off_.end() ? 0 : known->second))
            return;
        changes.push_back({false, svc_port, off_until});
        if (off_until == 0)
            off_.erase(svc_port);
        else
            off_[svc_port] = off_until;
    };
    look_at(std::nullopt);
    const auto detection = until(tables.node[0].detection_off_until_ns, now_ns);
    if (detection != std::exchange(detection_off_, detection))
        changes.push_back({true, std::nullopt, detection});
    const auto end = off_.empty() ? rows : tables.svc_port.size();  // also those that left
    for (std::uint32_t id = 0; id < end; id++)
        if (!off_.empty() || MmapArray<weir_node>::load_word(word_of(tables, id)) != 0)
            look_at(id);
    return changes;
}

}  // namespace weir
