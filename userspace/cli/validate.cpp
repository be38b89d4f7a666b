// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "userspace/cli/commands.h"
#include "userspace/cli/mesh_edit.h"
#include "userspace/source/mesh_dir.h"
#include "userspace/source/mesh_reader.h"

namespace weir {
namespace {

std::string render_validation(const Reading& reading, const std::string& what, Format format) {
    const auto& snapshot = reading.snapshot;
    if (format == Format::kTable || format == Format::kWide)
        return snapshot
                   ? what + " is valid: " + std::to_string(snapshot->services.size()) +
                         " services, " + std::to_string(snapshot->workloads.size()) + " workloads\n"
                   : "";
    nlohmann::json found = nlohmann::json::array();
    for (const auto& one : reading.found.sorted())
        found.push_back({{"severity", one.severity == Severity::kError ? "error" : "warning"},
                         {"file", one.origin.file.str()},
                         {"line", one.origin.line},
                         {"column", one.origin.column},
                         {"message", one.message}});
    return render_document(
        document("ValidationReport", {{"valid", snapshot != nullptr}, {"items", found}}), format);
}

}  // namespace

int command_validate(const CliOptions& options) {
    const auto text = options.arguments.empty() ? read_mesh_text(options.node.paths.mesh)
                                                : only_files(options.arguments);
    if (!text)
        return print_error(text.error());
    const std::string what = options.arguments.size() == 1 ? options.arguments.front()
                             : options.arguments.empty()
                                 ? options.node.paths.mesh
                                 : std::to_string(options.arguments.size()) + " files";
    const Reading reading = read_mesh(*text);
    const bool errors = print_diagnostics(reading);
    std::fputs(render_validation(reading, what, options.format).c_str(), stdout);
    return errors ? 1 : 0;
}

}  // namespace weir
