// SPDX-License-Identifier: Apache-2.0
// Where the fields of a table's keys and values are, by name, read from the type information (BTF)
// that a build of weir leaves in its pin directory. So one build can read the rows of another,
// newer or older: a field is the same if it has the same name. Reads no rows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "maps/result.h"

struct btf;

namespace weir {

// One number or text in a row; "settings[1].born". Arrays of characters are one field.
struct Field {
    std::string name;
    std::uint32_t offset = 0, size = 0;  // bytes
    bool operator==(const Field&) const = default;
};

struct RowLayout {
    std::uint32_t size = 0;
    std::vector<Field> fields;

    bool operator==(const RowLayout&) const = default;
    const Field* find(const std::string& name) const;
    // Its offset; nullopt: there is no such field.
    std::optional<std::uint32_t> offset(const std::string& name) const;
};

struct TableLayout {
    RowLayout key, value;
    bool operator==(const TableLayout&) const = default;
};

// The tables that BTF describes, by name. Error: it says something that no build of weir would.
Result<std::map<std::string, TableLayout>> table_layouts(const btf& types);

// How a row of one layout becomes one of another: fields are copied by name; those that the first
// has not are 0. Little-endian numbers may grow.
class RowConverter {
  public:
    // Error: a number became smaller, or a text has another size.
    static Result<RowConverter> between(const RowLayout& from, const RowLayout& to);
    std::vector<char> operator()(const char* row) const;

  private:
    struct Copy {
        std::uint32_t from, to, size;
    };
    std::vector<Copy> copies_;
    std::uint32_t size_ = 0;
};

}  // namespace weir
