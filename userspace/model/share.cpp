// SPDX-License-Identifier: Apache-2.0
#include "userspace/model/share.h"

#include <charconv>

namespace weir {

std::optional<std::uint32_t> parse_share(std::string_view text) {
    if (text == "0" || text == "1")
        return text == "0" ? 0 : 1;
    std::uint32_t every = 0;
    if (!text.starts_with("1/"))
        return std::nullopt;
    text.remove_prefix(2);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), every);
    if (error != std::errc() || end != text.data() + text.size() || every == 0)
        return std::nullopt;
    return every;
}

std::string share_str(std::uint32_t every) {
    return every <= 1 ? std::to_string(every) : "1/" + std::to_string(every);
}

}  // namespace weir
