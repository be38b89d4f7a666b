// SPDX-License-Identifier: Apache-2.0
// `subsets`, `subsetBy` and `trafficDistribution` as the mesh file has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "userspace/source/mesh_reader.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kEndpoints =
    "endpoints: [{address: 10.1.0.1, zone: a, labels: {version: v1}}, "
    "{address: 10.1.0.2, zone: b, labels: {version: v2}}], ";

Reading read(const std::string& fields, const std::string& endpoints = kEndpoints) {
    return read_mesh(
        MeshText{"",
                 {{"m.yaml", "services:\n  a: {addresses: [10.0.0.1], ports: [{port: 80}], " +
                                 endpoints + fields + "}\n"}}});
}

std::vector<std::string> complaints(const std::string& fields,
                                    const std::string& endpoints = kEndpoints) {
    std::vector<std::string> all;
    for (const auto& found : read(fields, endpoints).found.sorted())
        all.push_back(found.str());
    return all;
}

TEST(MeshSubsets, AreReadByName) {
    const auto reading = read(
        "subsets: {v2: {labels: {version: v2}, weight: 10}, v1: {labels: {version: v1}}}, "
        "balance: {subsetBy: workload}, trafficDistribution: PreferClose");
    ASSERT_THAT(reading.found.sorted(), IsEmpty());
    const auto& service = reading.snapshot->services.at("a");
    ASSERT_THAT(service.subsets, SizeIs(2));
    EXPECT_EQ(service.subsets[0].name, "v1");
    EXPECT_EQ(service.subsets[0].weight, 1U);
    EXPECT_EQ(service.subsets[1].weight, 10U);
    EXPECT_EQ(labels_str(service.subsets[1].labels), "version=v2");
    EXPECT_TRUE(service.subset_by_workload);
    EXPECT_TRUE(service.prefers_zone);
    EXPECT_EQ(traffic_distribution_str(service), "PreferSameZone");
}

TEST(MeshSubsets, NothingIsNone) {
    for (const char* fields : {"", "subsets: ~", "subsets: {}", "trafficDistribution: ~",
                               "balance: {subsetBy: ~}", "balance: {subsetBy: connection}"}) {
        EXPECT_THAT(complaints(fields), IsEmpty()) << fields;
        EXPECT_THAT(read(fields).snapshot->services.at("a").subsets, IsEmpty());
    }
}

TEST(MeshSubsets, RefusesWhatCannotBeMeant) {
    for (const char* fields :
         {"subsets: []", "subsets: {v1: {weight: 5}}", "subsets: {v1: {labels: {}}}",
          "subsets: {V1: {labels: {version: v1}}}", "balance: {subsetBy: workload}",
          "balance: {subsetBy: caller}", "trafficDistribution: near", "trafficDistribution: ''"})
        EXPECT_THAT(complaints(fields), SizeIs(1)) << fields;
    for (const char* weight : {"-1", "1000001", "x"})
        EXPECT_THAT(complaints("subsets: {v1: {labels: {version: v1}, weight: " +
                               std::string(weight) + "}, v2: {labels: {version: v2}}}"),
                    ElementsAre(HasSubstr("`weight` of subset \"v1\" of service \"a\"")))
            << weight;
    EXPECT_THAT(complaints("subsets: {v1: {labels: {version: v1}, weight: 0}, "
                           "v2: {labels: {version: v2}, weight: 0}}"),
                ElementsAre(HasSubstr("have weight 0: nobody would get its connections")));
    EXPECT_THAT(
        complaints("subsets: {v1: {labels: {version: v1}, weight: 0}, v3: {labels: {version: "
                   "v3}}}, trafficDistribution: ~"),
        testing::Contains(HasSubstr("error: no endpoint of service \"a\" is in a subset")));
    std::string many;
    for (int n = 0; n < 17; n++)
        many += (n == 0 ? "" : ", ") + ("s" + std::to_string(n)) + ": {labels: {version: v1}}";
    EXPECT_THAT(complaints("subsets: {" + many + "}", ""),
                ElementsAre(HasSubstr("are 17: a service has at most 16")));
}

TEST(MeshSubsets, WarnsOfWhoIsLeftOut) {
    EXPECT_THAT(complaints("subsets: {v1: {labels: {version: v1}}, v3: {labels: {version: v3}}}"),
                ElementsAre(AllOf(HasSubstr("warning"), HasSubstr("10.1.0.2 of service \"a\" is in "
                                                                  "none of its subsets")),
                            HasSubstr("subset \"v3\" of service \"a\" has no endpoint")));
    EXPECT_THAT(
        complaints("trafficDistribution: PreferSameZone", "endpoints: [{address: 10.1.0.1}], "),
        ElementsAre(HasSubstr("does nothing: no endpoint has a `zone`")));
    EXPECT_THAT(complaints("trafficDistribution: PreferSameZone", ""), IsEmpty());
    EXPECT_THAT(complaints("trafficDistribution: PreferSameZone, outlierDetection: {}"), IsEmpty());
    EXPECT_THAT(
        complaints(
            "trafficDistribution: PreferSameZone, outlierDetection: {maxEjectionPercent: 49}"),
        testing::Contains(HasSubstr("has 50 % of the endpoints of service \"a\", of which "
                                    "`maxEjectionPercent` lets at most 49 be out")));
}

}  // namespace
}  // namespace weir
