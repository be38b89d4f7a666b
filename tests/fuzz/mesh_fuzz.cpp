// SPDX-License-Identifier: Apache-2.0
// Any bytes as mesh files: an answer or errors with places, never a crash; what is taken compiles
// and plans, and planning it again changes nothing.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "userspace/model/plan.h"
#include "userspace/source/mesh_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto half = text.find("\n---8<---\n");
    weir::MeshText mesh{"d", {{"a.yaml", text.substr(0, half)}}};
    if (half != std::string::npos)
        mesh.files.push_back({"b.yaml", text.substr(half + 10)});
    const auto reading = weir::read_mesh(std::move(mesh));
    for (const auto& found : reading.found.sorted())
        if (found.message.empty() || found.origin.file.str().empty())
            std::abort();
    if (!reading.snapshot) {
        if (!reading.found.has_errors())
            std::abort();
        return 0;
    }
    weir::LiveState live;
    live.free_ports = weir::Extents(64);
    live.free_endpoints = weir::Extents(512);
    live.free_slots = weir::Extents(4096);
    live.endpoint_generations.resize(512);
    live.vip_capacity = live.pattern_capacity = 64;
    const auto desired = weir::compile(*reading.snapshot, "a");
    const auto first = weir::plan(live, desired, 1);
    if (first.refusals.empty() && !weir::plan(live, desired, 2).operations.empty())
        std::abort();
    return 0;
}
