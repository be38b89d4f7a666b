// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/mesh_edit.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "maps/fd.h"
#include "userspace/cli/cut_off.h"
#include "userspace/cli/node_view.h"
#include "userspace/source/mesh_dir.h"

namespace weir {
namespace {

Result<FileText> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file || std::filesystem::is_directory(path))
        return fail("cannot read " + path + ": name a mesh file (*.yaml)");
    return FileText(std::string(std::istreambuf_iterator<char>(file), {}));
}

bool is_mesh_name(const std::string& name) {
    return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml"));
}

void put(MeshText& text, MeshFile file) {
    const auto same = std::find_if(text.files.begin(), text.files.end(),
                                   [&](const MeshFile& f) { return f.name == file.name; });
    if (same != text.files.end())
        same->text = std::move(file.text);
    else
        text.files.push_back(std::move(file));
    std::sort(text.files.begin(), text.files.end(),
              [](const MeshFile& a, const MeshFile& b) { return a.name < b.name; });
}

}  // namespace

Result<MeshText> with_files(const std::string& directory, const std::vector<std::string>& files) {
    auto text = read_mesh_text(directory);
    if (!text) {
        if (files.empty() || text.error().code != ENOENT)
            return text;
        text = MeshText{directory, {}};
    }
    std::set<std::string> names;
    for (const auto& path : files) {
        WEIR_TRY(FileText content, read_file(path));
        const auto name = std::filesystem::path(path).filename().string();
        if (!is_mesh_name(name))
            return fail(path + " would not be read in the mesh directory: name it *.yaml");
        if (!names.insert(name).second)
            return fail(path + " and another file are both named " + name +
                        ", and one would take the other's place: rename one");
        put(*text, {name, std::move(content)});
    }
    return text;
}

Result<MeshText> only_files(const std::vector<std::string>& paths) {
    if (paths.size() == 1 && std::filesystem::is_directory(paths.front()))
        return read_mesh_text(paths.front());
    MeshText text;
    for (const auto& path : paths) {
        WEIR_TRY(FileText content, read_file(path));
        text.files.push_back({path, std::move(content)});  // errors name it as the user did
    }
    return text;
}

namespace {

Status write_new(const std::string& path, const std::string& text) {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd)
        return fail_errno("cannot write " + path, errno);
    const auto written = ::write(fd.get(), text.data(), text.size());
    if (written == static_cast<ssize_t>(text.size()) && ::fsync(fd.get()) == 0)
        return {};
    const int code = errno;
    ::unlink(path.c_str());
    return fail_errno("cannot write " + path, code);
}

}  // namespace

Status install(const std::string& directory, const std::vector<MeshFile>& files) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    const auto fresh = [&](const MeshFile& file) { return directory + "/." + file.name + ".new"; };
    for (const auto& file : files)
        if (auto written = write_new(fresh(file), file.text.str()); !written) {
            for (const auto& made : files)
                ::unlink(fresh(made).c_str());
            return written;
        }
    for (const auto& file : files) {
        const std::string path = directory + "/" + file.name;
        if (::rename(fresh(file).c_str(), path.c_str()))
            return fail_errno("cannot write " + path, errno);
    }
    return {};
}

bool print_diagnostics(const Reading& reading) {
    for (const auto& found : reading.found.sorted())
        std::fprintf(stderr, "%s\n", found.str().c_str());
    return reading.found.has_errors();
}

void print_cut_offs(const NodePaths& paths, const Snapshot& before, const Snapshot& after) {
    std::vector<EndpointView> now;  // asked for where it matters only
    if (lowers_a_limit(before, after)) {
        if (auto seen = see_endpoints(paths))
            now = std::move(seen->view);
        else
            std::fprintf(stderr,
                         "weir: warning: a limit is lower than before, and whether more than that "
                         "is open was not looked at: %s\n",
                         seen.error().message.c_str());
    }
    for (const auto& warning : cut_off_warnings(before, after, now))
        std::fprintf(stderr, "weir: warning: %s\n", warning.c_str());
}

}  // namespace weir
