// SPDX-License-Identifier: Apache-2.0
// How answers are printed: kubectl-style tables, or JSON and YAML documents with apiVersion and
// kind. Knows no command.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace weir {

enum class Format { kTable, kWide, kJson, kYaml, kDot };

inline bool is_document(Format format) {
    return format == Format::kJson || format == Format::kYaml;
}

// Columns are padded to the widest cell; the last one is not, so no line ends in blanks.
class Table {
  public:
    explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    std::string str() const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

// {"apiVersion": "weir/v1", "kind": …} plus the fields of `content`.
nlohmann::ordered_json document(const std::string& kind, const nlohmann::json& content);
std::string render_document(const nlohmann::ordered_json& document, Format format);

std::string number(std::uint64_t value);
std::string percent(double share);  // 0.125: "12.5%"
std::string fixed(double value, int digits);
// Three digits and a unit: "850us", "1.25ms", "12.5s"; "1.21KiB", "640B".
std::string short_time(double seconds);
std::string short_bytes(std::uint64_t bytes);
std::string or_none(const std::string& text);

// "0s", "42s", "3m5s", "2h7m", "4d3h"; "never" below zero.
std::string age_str(double seconds);

}  // namespace weir
