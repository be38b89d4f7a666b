// SPDX-License-Identifier: Apache-2.0
// weir apply FILE: validate, show the difference, install by rename, wait until the kernel has it.
// A refusal leaves the directory as it was.
#include <cstdio>

#include "userspace/cli/commands.h"
#include "userspace/cli/in_force.h"
#include "userspace/cli/mesh_edit.h"
#include "userspace/cli/render.h"
#include "userspace/source/mesh_dir.h"
#include "userspace/source/mesh_reader.h"

namespace weir {

int command_apply(const CliOptions& options) {
    auto before = read_mesh_text(options.node.paths.mesh);
    auto after = with_files(options.node.paths.mesh, options.arguments);
    if (!after)
        return print_error(after.error());
    const std::string digest = digest_str(after->digest());
    const Reading wanted = read_mesh(std::move(*after));
    if (print_diagnostics(wanted)) {
        std::fprintf(stderr, "weir: nothing was changed\n");
        return 1;
    }
    const Reading current = read_mesh(before ? std::move(*before) : MeshText{});
    const Snapshot nothing;
    const Snapshot& was = current.snapshot ? *current.snapshot : nothing;
    std::fputs(render_changes(describe_changes(was, *wanted.snapshot), Format::kTable).c_str(),
               stdout);
    std::fflush(stdout);
    print_cut_offs(options.node.paths, was, *wanted.snapshot);
    std::vector<MeshFile> files;
    for (const auto& path : options.arguments)
        for (const auto& file : wanted.text.files)
            if (file.name == path.substr(path.rfind('/') + 1))
                files.push_back(file);
    if (auto installed = install(options.node.paths.mesh, files); !installed)
        return print_error(installed.error());
    return wait_until_in_force(options, digest);
}

}  // namespace weir
