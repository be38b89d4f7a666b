// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/redact.h"

#include <algorithm>
#include <regex>

namespace weir {

std::string redacted(const std::string& text) {
    // A word that has one of these in it, what separates it from its value, and the value.
    static const std::regex named(
        R"re(((?:[\w.-]*(?:password|passwd|secret|token|credential|authorization|cookie|private|apikey|api[_-]key|access[_-]key)[\w.-]*)["']?\s*[:=]\s*)("[^"\n]*"|'[^'\n]*'|[^,}\n]+))re",
        std::regex::icase | std::regex::optimize);
    static const std::regex inside(R"re(([a-z][a-z0-9+.-]*://)[^/\s@"']+@)re",
                                   std::regex::icase | std::regex::optimize);
    static const std::regex bearer(R"re((bearer\s+)[\w.~+/=-]+)re",
                                   std::regex::icase | std::regex::optimize);
    std::string clean;
    std::size_t start = 0;
    while (start < text.size()) {
        const auto end = std::min(text.find('\n', start), text.size());
        auto line = text.substr(start, end - start);
        line = std::regex_replace(line, named, "$1\"redacted\"");
        line = std::regex_replace(line, inside, "$1redacted@");
        clean += std::regex_replace(line, bearer, "$1redacted");
        if (end < text.size())
            clean += '\n';
        start = end + 1;
    }
    return clean;
}

}  // namespace weir
