// SPDX-License-Identifier: Apache-2.0
// weir sysdump: what a bug report needs, in one archive, with secrets taken out. Every part is what
// a command says, so that one that fails leaves the others as they are, and is named.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "loader/exit_codes.h"
#include "userspace/agent/settings.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/output.h"
#include "userspace/cli/redact.h"
#include "userspace/node/run_command.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
constexpr int kSeconds = 20;                  // for each part
constexpr std::uintmax_t kLargest = 4 << 20;  // of a mesh file

struct Part {
    std::string file;
    std::vector<std::string> words;
};

std::vector<Part> parts_of(const CliOptions& options) {
    const std::vector<std::string> where{
        "--mesh",  options.node.paths.mesh,  "--state",  options.node.paths.state,
        "--bpffs", options.node.paths.bpffs, "--socket", options.node.paths.socket};
    std::vector<Part> parts;
    const auto weir = [&](const std::string& command, std::vector<std::string> words,
                          const char* ending = ".json") {
        words.insert(words.begin(), {"/proc/self/exe", command});
        words.insert(words.end(), where.begin(), where.end());
        if (!options.node.paths.cgroup.empty())
            words.insert(words.end(), {"--cgroup", options.node.paths.cgroup});
        parts.push_back({command + ending, std::move(words)});
    };
    weir("version", {}, ".txt");
    for (const char* command :
         {"status", "check", "services", "endpoints", "edges", "config", "connections"})
        weir(command, {"-o", "json"});
    weir("flows", {"-o", "json", "--last", "100000"});
    weir("rollback", {"--list", "-o", "json"});
    parts.push_back({"kernel.txt", {"uname", "-a"}});
    parts.push_back({"bpf-links.json", {"bpftool", "-j", "link", "show"}});
    parts.push_back({"sockets.txt", {"ss", "-s"}});
    parts.push_back(
        {"journal.txt", {"journalctl", "-u", "weir-agent", "-n", "5000", "--no-pager"}});
    return parts;
}

Status write(const fs::path& file, const std::string& text) {
    std::error_code ignored;
    fs::create_directories(file.parent_path(), ignored);
    std::ofstream out(file, std::ios::binary);
    out << redacted(text);
    out.close();
    return out ? Status() : Status(fail("cannot write " + file.string()));
}

std::string content_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// The mesh and the node's settings, as they are written.
Status copy_files(const CliOptions& options, const fs::path& to, std::string& missing) {
    std::error_code failed;
    for (const auto& entry : fs::recursive_directory_iterator(options.node.paths.mesh, failed)) {
        std::error_code ignored;
        if (!entry.is_regular_file(ignored))
            continue;
        if (entry.file_size(ignored) > kLargest) {
            missing += entry.path().string() + ": larger than 4 MiB\n";
            continue;
        }
        WEIR_CHECK(write(to / "mesh" / fs::relative(entry.path(), options.node.paths.mesh),
                         content_of(entry.path())));
    }
    if (failed)
        missing += options.node.paths.mesh + ": " + failed.message() + "\n";
    if (fs::exists(kAgentFile, failed))
        WEIR_CHECK(write(to / "agent.yaml", content_of(kAgentFile)));
    return {};
}

std::string name_now() {
    const auto now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 64> text{};
    std::strftime(text.data(), text.size(), "weir-sysdump-%Y%m%d-%H%M%S", &utc);
    return text.data();
}

Status collect(const CliOptions& options, const fs::path& to) {
    std::string missing;
    for (const auto& part : parts_of(options)) {
        const auto said = run_command(part.words, kSeconds);
        if (!said) {
            missing += part.file + ": " + said.error().message + "\n";
            continue;
        }
        WEIR_CHECK(write(to / part.file, said->out + said->err));
        if (said->status != 0)
            missing += part.file + ": exit " + std::to_string(said->status) + "\n";
    }
    WEIR_CHECK(copy_files(options, to, missing));
    return write(to / "missing.txt", missing);
}

Result<std::string> dump(const CliOptions& options) {
    std::array<char, 32> directory{"/tmp/weir-sysdump-XXXXXX"};
    if (::mkdtemp(directory.data()) == nullptr)  // 0700
        return fail_errno("cannot make a directory in /tmp", errno);
    const std::string name = name_now();
    auto archive = options.arguments.empty() ? name + ".tar.gz" : options.arguments.front();
    const auto collected = collect(options, fs::path(directory.data()) / name);
    const mode_t mask = ::umask(0077);
    auto packed =
        collected ? run_command({"tar", "-czf", archive, "-C", directory.data(), name}, kSeconds)
                  : Result<CommandOutput>(tl::unexpected(collected.error()));
    ::umask(mask);
    std::error_code ignored;
    fs::remove_all(directory.data(), ignored);
    if (!packed)
        return tl::unexpected(packed.error());
    if (packed->status != 0)
        return fail("cannot write " + archive + ": " + packed->err);
    return archive;
}

}  // namespace

int command_sysdump(const CliOptions& options) {
    const auto archive = dump(options);
    if (!archive)
        return print_error(archive.error());
    std::printf("%s is written, for root only; look through it before you give it away\n",
                archive->c_str());
    return kExitOk;
}

}  // namespace weir
