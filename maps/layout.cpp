// SPDX-License-Identifier: Apache-2.0
#include "maps/layout.h"

#include <bpf/btf.h>

#include <algorithm>
#include <cstring>

namespace weir {
namespace {

constexpr std::uint32_t kBitsPerByte = 8;
constexpr int kDeepest = 8;  // structs within structs

const btf_type* type_of(const btf& types, std::uint32_t id) {
    for (const btf_type* type = btf__type_by_id(&types, id); type != nullptr;
         type = btf__type_by_id(&types, type->type))
        if (!btf_is_mod(type) && !btf_is_typedef(type))
            return type;
    return nullptr;
}

const char* name_of(const btf& types, std::uint32_t offset) {
    const char* name = btf__name_by_offset(&types, offset);
    return name == nullptr ? "" : name;
}

// Adds the fields that `id` is made of, where it lies `offset` bytes from the start of the row.
Status add_fields(const btf& types, std::uint32_t id, const std::string& path, std::uint32_t offset,
                  int depth, RowLayout& row) {
    const btf_type* type = type_of(types, id);
    if (type == nullptr || depth > kDeepest)
        return fail("the type of " + path + " cannot be read");
    if (btf_is_int(type) || btf_is_enum(type)) {
        row.fields.push_back({path, offset, type->size});
        return {};
    }
    if (btf_is_array(type)) {
        const struct btf_array* array = btf_array(type);
        const auto size = static_cast<std::uint32_t>(btf__resolve_size(&types, array->type));
        if (size == 1) {
            row.fields.push_back({path, offset, array->nelems});
            return {};
        }
        for (std::uint32_t i = 0; i < array->nelems; i++)
            WEIR_CHECK(add_fields(types, array->type, path + "[" + std::to_string(i) + "]",
                                  offset + i * size, depth + 1, row));
        return {};
    }
    if (!btf_is_struct(type))
        return fail(path + " is of a kind that no row has");
    const btf_member* members = btf_members(type);
    for (std::uint32_t i = 0; i < btf_vlen(type); i++) {
        const std::string name = name_of(types, members[i].name_off);
        WEIR_CHECK(add_fields(types, members[i].type, path.empty() ? name : path + "." + name,
                              offset + btf_member_bit_offset(type, i) / kBitsPerByte, depth + 1,
                              row));
    }
    return {};
}

Result<RowLayout> row_layout(const btf& types, std::uint32_t id) {
    RowLayout row;
    row.size = static_cast<std::uint32_t>(btf__resolve_size(&types, id));
    WEIR_CHECK(add_fields(types, id, "", 0, 0, row));
    return row;
}

// A table is declared as a struct with pointers named "key" and "value" to the types it has.
Result<TableLayout> table_layout(const btf& types, const btf_type& declared) {
    TableLayout table;
    const btf_member* members = btf_members(&declared);
    for (std::uint32_t i = 0; i < btf_vlen(&declared); i++) {
        const std::string name = name_of(types, members[i].name_off);
        const btf_type* pointer = type_of(types, members[i].type);
        if ((name != "key" && name != "value") || pointer == nullptr || !btf_is_ptr(pointer))
            continue;
        WEIR_TRY((name == "key" ? table.key : table.value), row_layout(types, pointer->type));
    }
    return table;
}

}  // namespace

const Field* RowLayout::find(const std::string& name) const {
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field& field) { return field.name == name; });
    return found == fields.end() ? nullptr : &*found;
}

std::optional<std::uint32_t> RowLayout::offset(const std::string& name) const {
    const Field* field = find(name);
    return field == nullptr ? std::nullopt : std::optional(field->offset);
}

Result<std::map<std::string, TableLayout>> table_layouts(const btf& types) {
    std::map<std::string, TableLayout> tables;
    const int section = btf__find_by_name_kind(&types, ".maps", BTF_KIND_DATASEC);
    if (section < 0)
        return fail("the type information names no tables");
    const btf_type* maps = btf__type_by_id(&types, static_cast<std::uint32_t>(section));
    const btf_var_secinfo* variables = btf_var_secinfos(maps);
    for (std::uint32_t i = 0; i < btf_vlen(maps); i++) {
        const btf_type* variable = btf__type_by_id(&types, variables[i].type);
        const btf_type* declared = variable == nullptr ? nullptr : type_of(types, variable->type);
        if (declared == nullptr || !btf_is_struct(declared))
            return fail("the type information of a table cannot be read");
        const std::string name = name_of(types, variable->name_off);
        auto table = table_layout(types, *declared);
        if (!table)
            return fail_with(table.error(), "table " + name);
        tables.emplace(name, std::move(*table));
    }
    return tables;
}

Result<RowConverter> RowConverter::between(const RowLayout& from, const RowLayout& to) {
    RowConverter converter;
    converter.size_ = to.size;
    for (const auto& field : to.fields) {
        const Field* source = from.find(field.name);
        if (source == nullptr)
            continue;
        const bool is_number = field.size <= sizeof(std::uint64_t);
        if (source->size > field.size || (source->size != field.size && !is_number))
            return fail("the field " + field.name + " had " + std::to_string(source->size) +
                        " bytes and has " + std::to_string(field.size));
        converter.copies_.push_back({source->offset, field.offset, source->size});
    }
    return converter;
}

std::vector<char> RowConverter::operator()(const char* row) const {
    std::vector<char> converted(size_, 0);
    for (const auto& copy : copies_)
        std::memcpy(converted.data() + copy.to, row + copy.from, copy.size);
    return converted;
}

}  // namespace weir
