// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/state_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>
#include <utility>

#include "maps/fd.h"

namespace weir {
namespace {

Status write_all(int fd, const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
        const auto written = ::write(fd, text.data() + done, text.size() - done);
        if (written < 0)
            return fail_errno("cannot write", errno);
        done += static_cast<std::size_t>(written);
    }
    return {};
}

Status make_directory(const std::string& directory) {
    if (::mkdir(directory.c_str(), 0755) && errno != EEXIST)
        return fail_errno("cannot make " + directory, errno);
    return {};
}

std::string parent_of(const std::string& path) {
    return std::filesystem::path(path).parent_path().string();
}

// Which directory it is, by when it was made; 0: there is none. Inode numbers are used again.
std::uint64_t birth_of(const std::string& path) {
    struct statx stat{};
    if (::statx(AT_FDCWD, path.c_str(), 0, STATX_INO | STATX_BTIME, &stat) != 0)
        return 0;
    return (stat.stx_ino ^ static_cast<std::uint64_t>(stat.stx_btime.tv_sec) << 32U ^
            stat.stx_btime.tv_nsec) |
           1U;
}

std::vector<std::string> saved_names(const MeshText& mesh) {
    std::vector<std::string> names;
    for (const auto& file : mesh.files)
        names.push_back(saved_file_name(file));
    return names;
}

}  // namespace

// What was kept before this agent, or since somebody removed it all. What is damaged is forgotten.
void StateStore::look() {
    const auto birth = birth_of(saved_files_path(directory_));
    if (birth != 0 && birth == files_birth_)
        return;
    files_birth_ = birth;
    last_ = {};
    history_.clear();
    held_.clear();
    if (const auto last = load_state(directory_))
        last_ = {last->generation, last->mesh.digest(), saved_names(last->mesh)};
    if (const auto history = load_history(directory_))
        for (const auto& one : *history)
            history_.push_back({one.generation, one.mesh.digest(), saved_names(one.mesh)});
    hold(last_.files, 1);
    for (const auto& one : history_)
        hold(one.files, 1);
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(saved_files_path(directory_), error))
        if (!held_.contains(entry.path().filename().string()))
            ::unlink(entry.path().c_str());
}

bool StateStore::is_there(const std::string& saved_name, std::size_t size) const {
    if (held_.contains(saved_name))
        return true;
    struct stat stat{};
    return ::stat((saved_files_path(directory_) + "/" + saved_name).c_str(), &stat) == 0 &&
           static_cast<std::size_t>(stat.st_size) == size;
}

// Texts that nobody names any more leave.
void StateStore::hold(const std::vector<std::string>& files, int by) {
    for (const auto& name : files) {
        const auto held = held_.try_emplace(name, 0).first;
        held->second += by;
        if (held->second > 0)
            continue;
        held_.erase(held);
        ::unlink((saved_files_path(directory_) + "/" + name).c_str());
    }
}

Status StateStore::write(const std::string& path, const std::string& text) {
    const std::string fresh = path + ".new";
    const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd)
        return fail_errno("cannot write " + fresh, errno);
    if (auto written = write_all(fd.get(), text); !written) {
        ::unlink(fresh.c_str());  // a full disk is not to stay full for it
        return fail_with(written.error(), fresh);
    }
    if (::rename(fresh.c_str(), path.c_str()))
        return fail_errno("cannot write " + path, errno);
    unsynced_.push_back(path);
    return {};
}

Status StateStore::write_texts(const SavedState& state) {
    const auto directory = saved_files_path(directory_);
    WEIR_CHECK(make_directory(directory_));
    WEIR_CHECK(make_directory(directory));
    look();
    for (const auto& file : state.mesh.files) {
        const auto name = saved_file_name(file);
        if (!is_there(name, file.text.str().size()))
            WEIR_CHECK(write(directory + "/" + name, file.text.str()));
    }
    return {};
}

Status StateStore::save(const SavedState& state) {
    WEIR_CHECK(write_texts(state));
    WEIR_CHECK(write(saved_state_path(directory_), encode_saved_state(state)));
    Kept kept{state.generation, state.mesh.digest(), saved_names(state.mesh)};
    hold(kept.files, 1);
    hold(std::exchange(last_, std::move(kept)).files, -1);
    return {};
}

Status StateStore::remember(const SavedState& state) {
    WEIR_CHECK(write_texts(state));
    const auto digest = state.mesh.digest();
    if (!history_.empty() && history_.back().digest == digest)
        return {};
    const auto path = history_path(directory_, state.generation);
    WEIR_CHECK(make_directory(parent_of(path)));
    // Nearly always what was saved before it was published.
    const bool is_last = digest == last_.digest && state.generation == last_.generation;
    if (!is_last || ::link(saved_state_path(directory_).c_str(), path.c_str()) != 0)
        WEIR_CHECK(write(path, encode_saved_state(state)));
    history_.push_back({state.generation, digest, saved_names(state.mesh)});
    hold(history_.back().files, 1);
    for (; history_.size() > kHistoryMost; history_.pop_front()) {
        ::unlink(history_path(directory_, history_.front().generation).c_str());
        hold(history_.front().files, -1);
    }
    return {};
}

Status sync_files(const std::vector<std::string>& paths) {
    std::set<std::string> all(paths.begin(), paths.end());
    for (const auto& path : paths)
        all.insert(parent_of(path));
    for (const auto& path : all) {
        const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd && errno == ENOENT)
            continue;  // not needed any more
        if (!fd || ::fsync(fd.get()) != 0)
            return fail_errno("cannot write " + path + " to the disk", errno);
    }
    return {};
}

}  // namespace weir
