// SPDX-License-Identifier: Apache-2.0
// Any bytes as the saved state: refused or taken, never a crash; and what weir saves it can load.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "userspace/reconcile/saved_state.h"
#include "userspace/source/mesh_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto any = [&](const std::string&) -> weir::Result<weir::FileText> {
        return weir::FileText(text);
    };
    if (auto state = weir::decode_saved_state(text, any))
        weir::read_mesh(std::move(state->mesh));
    // A mesh that was good enough to be in force is what gets saved.
    const weir::MeshText mesh{"d", {{"a.yaml", text}}};
    if (!weir::read_mesh(mesh).snapshot)
        return 0;
    const auto back = weir::decode_saved_state(weir::encode_saved_state({1, 2, mesh}), any);
    if (!back || back->mesh.files != mesh.files)
        std::abort();
    return 0;
}
