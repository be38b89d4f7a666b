// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/output.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace weir {
namespace {

using nlohmann::ordered_json;

// Cells of one screen column each; UTF-8 continuation bytes take none.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
    }));
}

// JSON scalars are YAML scalars, and a quoted string can never be mistaken for another type.
void write_yaml(const ordered_json& value, int indent, std::string& out) {
    const std::string pad(static_cast<std::size_t>(indent), ' ');
    const auto child = [&](const ordered_json& item) {
        if ((item.is_object() || item.is_array()) && !item.empty()) {
            out += "\n";
            write_yaml(item, indent + 2, out);
        } else {
            out += " " + item.dump() + "\n";
        }
    };
    if (value.is_object()) {
        for (const auto& [key, item] : value.items()) {
            out += pad + key + ":";
            child(item);
        }
        return;
    }
    for (const auto& item : value) {
        if (!item.is_object() || item.empty()) {
            out += pad + "-";
            child(item);
            continue;
        }
        std::string block;
        write_yaml(item, indent + 2, block);
        block[static_cast<std::size_t>(indent)] = '-';
        out += block;
    }
}

}  // namespace

std::string Table::str() const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); i++) {
            if (i == widths.size())
                widths.push_back(0);
            widths[i] = std::max(widths[i], width(row[i]));
        }
    std::string text;
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); i++) {
            line += row[i];
            if (i + 1 < row.size())
                line.append(widths[i] - width(row[i]) + 3, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

ordered_json document(const std::string& kind, const nlohmann::json& content) {
    ordered_json made = {{"apiVersion", "weir/v1"}, {"kind", kind}};
    for (const auto& [key, value] : content.items())
        made[key] = value;
    return made;
}

std::string render_document(const ordered_json& document, Format format) {
    if (format == Format::kJson)
        return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
    std::string text;
    write_yaml(document, 0, text);
    return text;
}

std::string number(std::uint64_t value) {
    return std::to_string(value);
}

std::string fixed(double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

std::string percent(double share) {
    return fixed(share * 100, 1) + "%";
}

std::string or_none(const std::string& text) {
    return text.empty() ? "<none>" : text;
}

std::string age_str(double seconds) {
    if (seconds < 0)
        return "never";
    const auto whole = static_cast<std::uint64_t>(seconds);
    const auto unit = [](std::uint64_t value, const char* name) {
        return value == 0 ? std::string() : std::to_string(value) + name;
    };
    if (whole < 60)
        return std::to_string(whole) + "s";
    if (whole < 3600)
        return unit(whole / 60, "m") + unit(whole % 60, "s");
    if (whole < 86400)
        return unit(whole / 3600, "h") + unit(whole % 3600 / 60, "m");
    return unit(whole / 86400, "d") + unit(whole % 86400 / 3600, "h");
}

namespace {

// "1.25", "12.5", "125"
std::string three_digits(double value) {
    return fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

}  // namespace

std::string short_time(double seconds) {
    if (seconds < 0.0009995)
        return number(static_cast<std::uint64_t>(std::lround(seconds * 1e6))) + "us";
    return seconds < 0.9995 ? three_digits(seconds * 1e3) + "ms" : three_digits(seconds) + "s";
}

std::string short_bytes(std::uint64_t bytes) {
    constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB", "PiB"};
    if (bytes < 1024)
        return number(bytes) + "B";
    auto value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; value >= 1023.5 && unit + 1 < kUnits.size(); unit++)
        value /= 1024;
    return three_digits(value) + kUnits.at(unit);
}

}  // namespace weir
