// SPDX-License-Identifier: Apache-2.0
// weir apply FILE: validate, show the difference, install by rename, wait until the kernel has it.
// A refusal leaves the directory as it was.
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "userspace/cli/commands.h"
#include "userspace/cli/mesh_edit.h"
#include "userspace/cli/node_view.h"
#include "userspace/cli/render.h"
#include "userspace/source/mesh_dir.h"
#include "userspace/source/mesh_file.h"

namespace weir {
namespace {

// Polls the agent until what it read last is `digest`.
int wait_until_in_force(const CliOptions& options, const std::string& digest) {
    for (int tries = 0; tries < options.wait_seconds * 20; tries++) {
        const auto seen = see_status(options.paths);
        if (!seen || !seen->agent) {
            std::fprintf(stderr,
                         "weir: installed, but no agent is running: it takes effect when "
                         "weir-agent starts\n");
            return 1;
        }
        const auto& view = seen->view;
        if (view.agent->meshDigest == digest && !view.agent->refused.empty()) {
            for (const auto& refused : view.agent->refused)
                std::fprintf(stderr, "weir: refused: %s\n", refused.c_str());
            return 1;
        }
        if (view.meshDigest == digest && view.agent->meshDigest == digest) {
            std::printf("generation %llu is in force\n",
                        static_cast<unsigned long long>(view.generation));
            return 0;
        }
        ::usleep(50'000);
    }
    std::fprintf(stderr,
                 "weir: installed, but not in the kernel after %d seconds: see `weir status`\n",
                 options.wait_seconds);
    return 1;
}

}  // namespace

int command_apply(const CliOptions& options) {
    auto before = read_mesh_text(options.paths.mesh);
    auto after = with_files(options.paths.mesh, options.arguments);
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
    std::fputs(render_changes(describe_changes(current.snapshot ? *current.snapshot : nothing,
                                               *wanted.snapshot),
                              Format::kTable)
                   .c_str(),
               stdout);
    std::fflush(stdout);
    std::vector<MeshFile> files;
    for (const auto& path : options.arguments)
        for (const auto& file : wanted.text.files)
            if (file.name == path.substr(path.rfind('/') + 1))
                files.push_back(file);
    if (auto installed = install(options.paths.mesh, files); !installed)
        return print_error(installed.error());
    return wait_until_in_force(options, digest);
}

}  // namespace weir
