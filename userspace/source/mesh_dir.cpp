// SPDX-License-Identifier: Apache-2.0
#include "userspace/source/mesh_dir.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <set>

namespace weir {
namespace {

constexpr int kReadTries = 5;

bool counts(const std::filesystem::path& path) {
    const auto name = path.filename().string();
    return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml"));
}

Status check_name(const std::string& name, const std::string& directory) {
    if (std::any_of(name.begin(), name.end(), [](char c) { return c < ' ' || c > '~'; }))
        return fail("a file in " + directory +
                    " has a name with other than ASCII letters, "
                    "which cannot be saved as it is: rename it");
    return {};
}

Result<MeshText> read_once(const std::string& directory, TextCache& texts) {
    MeshText text;
    text.directory = directory;
    std::error_code error;
    const std::filesystem::directory_iterator entries(directory, error);
    if (error)
        return fail("the mesh directory " + directory + " cannot be read: " + error.message() +
                        ": make it, or name another with --mesh",
                    error.value());
    texts.begin();
    for (const auto& entry : entries) {
        if (!counts(entry.path()))
            continue;
        auto name = entry.path().filename().string();
        WEIR_CHECK(check_name(name, directory));
        WEIR_TRY(FileText content, texts.read(entry.path().string()));
        text.files.push_back({std::move(name), std::move(content)});
    }
    texts.end();
    std::sort(text.files.begin(), text.files.end(),
              [](const MeshFile& a, const MeshFile& b) { return a.name < b.name; });
    return text;
}

bool lists_the_same(const MeshText& text) {
    std::set<std::string> read, listed;
    for (const auto& file : text.files)
        read.insert(file.name);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(text.directory, error))
        if (counts(entry.path()))
            listed.insert(entry.path().filename().string());
    return read == listed;
}

Result<MeshText> read_text_of(const std::string& directory, TextCache& texts) {
    auto text = read_once(directory, texts);
    // A listing that runs while files are renamed may miss one: two that agree did not.
    for (int tries = 0; tries < kReadTries && text && !lists_the_same(*text); tries++)
        text = read_once(directory, texts);
    return text;
}

}  // namespace

Result<MeshText> read_mesh_text(const std::string& directory) {
    TextCache texts;
    return read_text_of(directory, texts);
}

Reading MeshDir::read() {
    auto text = read_text_of(directory_, texts_);
    if (text)
        return reader_.read(std::move(*text));
    Reading reading;
    reading.text.directory = directory_;
    reading.found.error({directory_, 0, 0}, text.error().message);
    return reading;
}

Result<MeshDirWatch> MeshDirWatch::open(const std::string& directory) {
    Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!fd)
        return fail_errno("cannot make an inotify watch", errno);
    const std::uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                 IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF;
    if (::inotify_add_watch(fd.get(), directory.c_str(), events) < 0)
        return fail_errno("cannot watch " + directory, errno);
    return MeshDirWatch(std::move(fd), directory);
}

// A file that was just created is still being written: its close will be reported. Links are
// complete from the start, and report nothing else.
bool MeshDirWatch::is_complete(const char* name) const {
    struct stat stat{};
    return ::lstat((directory_ + "/" + name).c_str(), &stat) == 0 &&
           (S_ISLNK(stat.st_mode) || stat.st_nlink > 1);
}

bool MeshDirWatch::drain() {
    alignas(inotify_event) std::array<char, 16384> buffer{};
    bool changed = false;
    for (;;) {
        const auto length = ::read(fd_.get(), buffer.data(), buffer.size());
        if (length <= 0)
            return changed;
        for (std::size_t at = 0; at < static_cast<std::size_t>(length);) {
            const auto* event = reinterpret_cast<const inotify_event*>(&buffer.at(at));
            if ((event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0)
                alive_ = false;
            changed |=
                (event->mask & IN_CREATE) == 0 || (event->len > 0 && is_complete(event->name));
            at += sizeof(inotify_event) + event->len;
        }
    }
}

}  // namespace weir
