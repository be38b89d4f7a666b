// SPDX-License-Identifier: Apache-2.0
// What is read file by file, with what did not change kept, is what is read from scratch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "userspace/source/mesh_reader.h"

namespace weir {
namespace {

std::vector<std::string> complaints(const Reading& reading) {
    std::vector<std::string> all;
    for (const auto& found : reading.found.sorted())
        all.push_back(found.str());
    return all;
}

std::string service(const std::string& name, unsigned address, unsigned endpoint) {
    return "  " + name + ": {addresses: [10.0.0." + std::to_string(address) +
           "], ports: [{port: 80}], endpoints: [{address: 10.0.0." + std::to_string(endpoint) +
           "}]}\n";
}

std::string workload(const std::string& name, unsigned address) {
    return "  " + name + ": {cgroup: " + name + ", addresses: [10.2.0." + std::to_string(address) +
           "]}\n";
}

// Few names and addresses, so that they meet about as often as not.
std::string random_file(std::mt19937& random) {
    std::string text = "services:\n", workloads = "workloads:\n";
    const auto number = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
    for (char name = 'a'; name < 'e'; name++)
        if (number(8) == 0)
            text += service(std::string(1, name) + std::to_string(number(9)), 1 + number(60),
                            1 + number(250));
    for (char name = 'w'; name < 'z'; name++)
        if (number(8) == 0)
            workloads += workload(std::string(1, name) + std::to_string(number(9)), 1 + number(60));
    if (number(60) == 0)
        text += "  broken: 7\n";
    return text + workloads;
}

TEST(MeshReader, ReadsFileByFileWhatItReadsFromScratch) {
    std::mt19937 random(5);
    MeshReader reader;
    std::map<std::string, std::string> files;
    int good = 0, bad = 0;
    for (int step = 0; step < 3000; step++) {
        const std::string name = "f" + std::to_string(random() % 6) + ".yaml";
        if (random() % 5 == 0)
            files.erase(name);
        else
            files[name] = random_file(random);
        MeshText text{"d", {}};
        for (const auto& [file, content] : files)
            text.files.push_back({file, content});
        const auto kept = reader.read(text), fresh = read_mesh(text);
        ASSERT_EQ(complaints(kept), complaints(fresh)) << step;
        ASSERT_EQ(kept.snapshot != nullptr, fresh.snapshot != nullptr);
        (fresh.snapshot ? good : bad)++;
        if (!fresh.snapshot)
            continue;
        ASSERT_EQ(kept.snapshot->digest, fresh.snapshot->digest);
        ASSERT_EQ(kept.snapshot->services.size(), fresh.snapshot->services.size());
        ASSERT_EQ(kept.snapshot->workloads.size(), fresh.snapshot->workloads.size());
        for (const auto& one : fresh.snapshot->services)
            ASSERT_EQ(kept.snapshot->services.at(one->name), *one);
        for (const auto& one : fresh.snapshot->workloads)
            ASSERT_EQ(kept.snapshot->workloads.at(one->name), *one);
    }
    EXPECT_GT(good, 500);
    EXPECT_GT(bad, 500);
}

TEST(MeshReader, SharesWhatIsInFilesThatDidNotChange) {
    MeshReader reader;
    const std::string before = "services:\n" + service("a", 1, 101), after = before + "# moved\n";
    const auto first =
        reader.read({"d", {{"a.yaml", before}, {"b.yaml", "services:\n" + service("b", 2, 102)}}});
    const auto second =
        reader.read({"d", {{"a.yaml", before}, {"b.yaml", "services:\n" + service("b", 2, 103)}}});
    EXPECT_EQ(first.snapshot->services.find("a"), second.snapshot->services.find("a"));
    EXPECT_NE(first.snapshot->services.find("b"), second.snapshot->services.find("b"));
    const auto again = reader.read(second.text);
    EXPECT_EQ(again.snapshot, second.snapshot);
}

TEST(MeshReader, AFileNamedTwiceIsWrittenTwice) {
    const std::string text = "services:\n" + service("a", 1, 101);
    const auto reading = read_mesh({"", {{"a.yaml", text}, {"a.yaml", text}}});
    EXPECT_FALSE(reading.snapshot);
    EXPECT_THAT(complaints(reading).at(0), testing::HasSubstr("written twice"));
}

}  // namespace
}  // namespace weir
