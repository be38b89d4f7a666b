// SPDX-License-Identifier: Apache-2.0
// weir rollback: puts the files of one of the last good meshes back into the directory, as `weir
// apply` would, and takes out the others.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "userspace/cli/commands.h"
#include "userspace/cli/in_force.h"
#include "userspace/cli/mesh_edit.h"
#include "userspace/cli/render.h"
#include "userspace/reconcile/saved_state.h"
#include "userspace/source/mesh_dir.h"
#include "userspace/source/mesh_reader.h"

namespace weir {
namespace {

// The one that was asked for, else the newest that is not what the directory holds.
Result<SavedState> choose(std::vector<SavedState> history, const MeshText& directory,
                          const std::vector<std::string>& arguments) {
    std::uint64_t wanted = 0;
    if (!arguments.empty()) {
        const auto& text = arguments.front();
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wanted);
        if (error != std::errc() || end != text.data() + text.size())
            return tl::unexpected(
                Error{"\"" + text + "\" is no generation: see `weir rollback --list`", 0, 2});
    }
    for (auto one = history.rbegin(); one != history.rend(); ++one)
        if (arguments.empty() ? one->mesh.digest() != directory.digest()
                              : one->generation == wanted)
            return std::move(*one);
    return fail(arguments.empty()
                    ? "there is no good mesh but the one in the directory"
                    : "generation " + arguments.front() +
                          " is not among the last good ones: see `weir rollback --list`");
}

// Files that are in the directory, and not in the mesh to come.
Status remove_others(const MeshText& directory, const MeshText& wanted) {
    for (const auto& file : directory.files) {
        const std::string path = directory.directory + "/" + file.name;
        if (std::none_of(wanted.files.begin(), wanted.files.end(),
                         [&](const MeshFile& keep) { return keep.name == file.name; }) &&
            ::unlink(path.c_str()) && errno != ENOENT)
            return fail_errno("the files are installed, but cannot remove " + path, errno);
    }
    return {};
}

}  // namespace

int command_rollback(const CliOptions& options) {
    auto history = load_history(options.node.paths.state);
    if (!history)
        return print_error(history.error());
    if (options.list) {
        std::fputs(render_history(*history, options.format).c_str(), stdout);
        return 0;
    }
    auto directory = read_mesh_text(options.node.paths.mesh);
    if (!directory)
        directory = MeshText{options.node.paths.mesh, {}};
    const auto chosen = choose(std::move(*history), *directory, options.arguments);
    if (!chosen)
        return print_error(chosen.error());
    const Reading before = read_mesh(*directory), after = read_mesh(chosen->mesh);
    if (print_diagnostics(after))
        return 1;  // of an older version of weir, that took what this one does not
    const Snapshot nothing;
    std::fputs(render_changes(
                   describe_changes(before.snapshot ? *before.snapshot : nothing, *after.snapshot),
                   Format::kTable)
                   .c_str(),
               stdout);
    std::fflush(stdout);
    print_cut_offs(options.node.paths, before.snapshot ? *before.snapshot : nothing,
                   *after.snapshot);
    if (auto installed = install(options.node.paths.mesh, chosen->mesh.files); !installed)
        return print_error(installed.error());
    if (auto removed = remove_others(*directory, chosen->mesh); !removed)
        return print_error(removed.error());
    return wait_until_in_force(options, digest_str(chosen->mesh.digest()));
}

}  // namespace weir
