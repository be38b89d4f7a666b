// SPDX-License-Identifier: Apache-2.0
// weir sysdump: what a bug report needs, in one archive, with secrets taken out. Every part is what
// a command says, so that one that fails leaves the others as they are, and is named.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

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

Status copy_file(const fs::path& from, const fs::path& to, std::string& missing) {
    std::error_code failed;
    if (!fs::is_regular_file(from, failed))
        return {};
    if (fs::file_size(from, failed) > kLargest) {
        missing += from.string() + ": larger than 4 MiB\n";
        return {};
    }
    return write(to, content_of(from));
}

// The mesh and the node's settings, as they are written. Names of links stay names.
Status copy_files(const CliOptions& options, const fs::path& to, std::string& missing) {
    std::error_code failed;
    const fs::path mesh = options.node.paths.mesh;
    for (fs::recursive_directory_iterator at(mesh, failed), end; !failed && at != end;
         at.increment(failed)) {
        const auto name = at->path().lexically_relative(mesh);
        if (!name.empty() && *name.begin() != "..")
            WEIR_CHECK(copy_file(at->path(), to / "mesh" / name, missing));
    }
    if (failed)
        missing += mesh.string() + ": " + failed.message() + "\n";
    return copy_file(kAgentFile, to / "agent.yaml", missing);
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

// A directory for root only, that goes with it.
class Workplace {
  public:
    static Result<Workplace> make() {
        std::array<char, 32> name{"/tmp/weir-sysdump-XXXXXX"};
        if (::mkdtemp(name.data()) == nullptr)  // 0700
            return fail_errno("cannot make a directory in /tmp", errno);
        return Workplace(name.data());
    }
    Workplace(Workplace&& other) noexcept : path_(std::exchange(other.path_, "")) {}
    ~Workplace() {
        std::error_code ignored;
        if (!path_.empty())
            fs::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }

  private:
    explicit Workplace(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

// A file of our own making: none that somebody has put there before.
Status write_archive(const std::string& archive, const std::string& content) {
    const Fd file(::open(archive.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         S_IRUSR | S_IWUSR));
    if (!file)
        return fail_errno("cannot write " + archive, errno);
    std::size_t done = 0;
    while (done < content.size()) {
        const auto wrote = ::write(file.get(), content.data() + done, content.size() - done);
        if (wrote <= 0)
            return fail_errno("cannot write " + archive, errno);
        done += static_cast<std::size_t>(wrote);
    }
    return {};
}

Result<std::string> dump(const CliOptions& options) {
    WEIR_TRY(const Workplace place, Workplace::make());
    const std::string name = name_now();
    std::string archive = options.arguments.empty() ? name + ".tar.gz" : options.arguments.front();
    WEIR_CHECK(collect(options, fs::path(place.path()) / name));
    WEIR_TRY(const auto packed,
             run_command({"tar", "-czf", "-", "-C", place.path(), name}, kSeconds));
    if (packed.status != 0)
        return fail("cannot pack " + archive + ": " + packed.err);
    WEIR_CHECK(write_archive(archive, packed.out));
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
