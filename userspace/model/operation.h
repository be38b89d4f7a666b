// SPDX-License-Identifier: Apache-2.0
// One write to the kernel's tables. A plan is a list of them in an order that may be cut off after
// any element: the kernel then holds, per service port, the old or the new, never a mixture.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "maps/abi/service.h"
#include "maps/abi/workload.h"

namespace weir {

struct WriteEndpoint {  // a row that no published slot leads to
    std::uint32_t id;
    weir_endpoint row;
    // A row that the endpoint has, or had, before: what holds that one counts for this one, too.
    std::optional<std::uint32_t> was{};
    // The endpoint had left: what was known of it does not come along.
    bool returned = false;
};
// What the kernel knows of the endpoint of a row begins anew: it had left, and comes back while
// sockets still hold the row.
struct RenewEndpoint {
    std::uint32_t id;
};
// weir_endpoint.flags: set after the row was unpublished, cleared before it is published again.
struct FlagEndpoint {
    std::uint32_t id;
    std::uint16_t flags;
};
// weir_endpoint.moved_to: after the row that it leads to was published.
struct MoveEndpoint {
    std::uint32_t id;
    std::uint32_t to;
    // It was the endpoint's until now: who was just ejected or restored by hand there is so in the
    // new row.
    bool was_its_own = false;
};
struct WriteSlots {  // an extent that is not published
    std::uint32_t offset;
    std::vector<std::uint64_t> words;
};
struct WriteSettings {  // the one of the two rows that is not in force
    std::uint32_t svc_port;
    std::uint32_t which;
    weir_svc_settings row;
};
struct ResetPort {  // counts and switches, before a service port that is new is published
    std::uint32_t svc_port;
};
struct Publish {  // one aligned 8-byte store: what makes all of the above visible
    std::uint32_t svc_port;
    std::uint64_t word;
};
// The filter's bit of an address: set before the first, cleared after the last that it stands for.
struct SetVipFilter {
    std::uint32_t bit;
};
struct ClearVipFilter {
    std::uint32_t bit;
};
struct InsertVip {
    weir_vip_key key;
    std::uint32_t svc_port;
};
struct MoveVip {  // to another service port; always followed by a Grace
    weir_vip_key key;
    std::uint32_t svc_port;
};
struct DeleteVip {
    weir_vip_key key;
};
struct PutPattern {
    std::string pattern;  // its key is 250 bytes: too many for what there are many of
    weir_workload workload;
};
struct DeletePattern {
    std::string pattern;
};
struct Grace {};  // everything that started before has ended

using Operation = std::variant<WriteEndpoint, RenewEndpoint, FlagEndpoint, MoveEndpoint, WriteSlots,
                               WriteSettings, ResetPort, Publish, SetVipFilter, ClearVipFilter,
                               InsertVip, MoveVip, DeleteVip, PutPattern, DeletePattern, Grace>;

}  // namespace weir
