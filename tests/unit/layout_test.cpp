// SPDX-License-Identifier: Apache-2.0
// Rows of one build become rows of another by the names of their fields.
#include "maps/layout.h"

#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace weir {
namespace {

RowLayout row(std::uint32_t size, std::vector<Field> fields) {
    return {size, std::move(fields)};
}

TEST(RowConverter, CopiesWhatHasTheSameNameWhereverItIs) {
    const auto from = row(12, {{"a", 0, 4}, {"gone", 4, 4}, {"b", 8, 4}});
    const auto to = row(16, {{"b", 0, 4}, {"added", 4, 4}, {"a", 8, 4}, {"more", 12, 4}});
    const auto convert = RowConverter::between(from, to);
    ASSERT_TRUE(convert);
    const std::uint32_t was[] = {1, 2, 3};
    std::uint32_t is[4];
    const auto converted = (*convert)(reinterpret_cast<const char*>(was));
    ASSERT_EQ(converted.size(), sizeof(is));
    std::memcpy(is, converted.data(), sizeof(is));
    EXPECT_EQ(is[0], 3U);
    EXPECT_EQ(is[1], 0U);
    EXPECT_EQ(is[2], 1U);
    EXPECT_EQ(is[3], 0U);
}

TEST(RowConverter, NumbersMayGrowAndNeverShrink) {
    const auto narrow = row(4, {{"n", 0, 4}}), wide = row(8, {{"n", 0, 8}});
    const auto grow = RowConverter::between(narrow, wide);
    ASSERT_TRUE(grow);
    const std::uint32_t was = 0xfffffffeU;
    std::uint64_t is = 0;
    std::memcpy(&is, (*grow)(reinterpret_cast<const char*>(&was)).data(), sizeof(is));
    EXPECT_EQ(is, 0xfffffffeULL);
    const auto shrink = RowConverter::between(wide, narrow);
    ASSERT_FALSE(shrink);
    EXPECT_EQ(shrink.error().message, "the field n had 8 bytes and has 4");
}

TEST(RowConverter, TextsKeepTheirSize) {
    EXPECT_FALSE(RowConverter::between(row(9, {{"t", 0, 9}}), row(12, {{"t", 0, 12}})));
    EXPECT_TRUE(RowConverter::between(row(9, {{"t", 0, 9}}), row(12, {{"t", 3, 9}})));
}

// struct inner { u32 x; u32 y[2]; }; struct outer { u64 first; struct inner in[2]; char name[8]; };
struct Declared {
    std::unique_ptr<btf, void (*)(btf*)> types{btf__new_empty(), btf__free};
    int u32 = btf__add_int(types.get(), "u32", 4, 0), u64 = btf__add_int(types.get(), "u64", 8, 0);
    int character = btf__add_int(types.get(), "char", 1, BTF_INT_CHAR);

    int declare() {
        btf* t = types.get();
        const int two = btf__add_array(t, u32, u32, 2), text = btf__add_array(t, u32, character, 8);
        const int inner = btf__add_struct(t, "inner", 12);
        btf__add_field(t, "x", u32, 0, 0);
        btf__add_field(t, "y", two, 32, 0);
        const int inners = btf__add_array(t, u32, inner, 2);
        const int outer = btf__add_struct(t, "outer", 40);
        btf__add_field(t, "first", u64, 0, 0);
        btf__add_field(t, "in", inners, 64, 0);
        btf__add_field(t, "name", text, 256, 0);
        return outer;
    }
    // As clang describes a table: a struct with pointers to its key's and its value's type.
    void table(const char* name, int value) {
        btf* t = types.get();
        const int key_pointer = btf__add_ptr(t, u32), value_pointer = btf__add_ptr(t, value);
        const int table = btf__add_struct(t, "", 16);
        btf__add_field(t, "key", key_pointer, 0, 0);
        btf__add_field(t, "value", value_pointer, 64, 0);
        const int variable = btf__add_var(t, name, BTF_VAR_GLOBAL_ALLOCATED, table);
        btf__add_datasec(t, ".maps", 16);
        btf__add_datasec_var_info(t, variable, 0, 16);
    }
};

TEST(TableLayouts, NamesEveryFieldOfNestedRows) {
    Declared declared;
    declared.table("weir_test", declared.declare());
    const auto tables = table_layouts(*declared.types);
    ASSERT_TRUE(tables) << tables.error().message;
    const auto& value = tables->at("weir_test").value;
    EXPECT_EQ(value.size, 40U);
    EXPECT_EQ(tables->at("weir_test").key.size, 4U);
    const std::vector<Field> fields{
        {"first", 0, 8},    {"in[0].x", 8, 4},     {"in[0].y[0]", 12, 4}, {"in[0].y[1]", 16, 4},
        {"in[1].x", 20, 4}, {"in[1].y[0]", 24, 4}, {"in[1].y[1]", 28, 4}, {"name", 32, 8}};
    EXPECT_EQ(value.fields, fields);
    EXPECT_EQ(value.offset("in[1].x"), 20U);
    EXPECT_EQ(value.offset("in[2].x"), std::nullopt);
}

TEST(TableLayouts, SaysSoWhenThereIsNone) {
    const Declared declared;
    const auto tables = table_layouts(*declared.types);
    ASSERT_FALSE(tables);
    EXPECT_EQ(tables.error().message, "the type information names no tables");
}

}  // namespace
}  // namespace weir
