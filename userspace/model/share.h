// SPDX-License-Identifier: Apache-2.0
// A share of connections, as people write it: one of so many.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

// "1/8" is 8; "0" is 0, none; "1" is all.
std::optional<std::uint32_t> parse_share(std::string_view text);
std::string share_str(std::uint32_t every);
inline constexpr const char* kShareForms = "0 (none), 1 (all) or 1/N";

}  // namespace weir
