// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/saved_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "maps/fd.h"

namespace weir {
namespace {

using nlohmann::json;
constexpr int kVersion = 1;

Status write_all(int fd, const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
        const auto written = ::write(fd, text.data() + done, text.size() - done);
        if (written < 0)
            return fail_errno("cannot write", errno);
        done += static_cast<std::size_t>(written);
    }
    return {};
}

std::string string_at(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::string saved_state_path(const std::string& directory) {
    return directory + "/last-good.json";
}

std::string encode_saved_state(const SavedState& state) {
    json files = json::array();
    for (const auto& file : state.mesh.files)
        files.push_back({{"name", file.name}, {"text", file.text}});
    const json document = {{"version", kVersion},
                           {"generation", state.generation},
                           {"savedAt", state.saved_at},
                           {"directory", state.mesh.directory},
                           {"digest", std::to_string(state.mesh.digest())},
                           {"files", files}};
    return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<SavedState> decode_saved_state(const std::string& text) {
    const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!document.is_object())
        return fail("it is not a JSON object");
    const auto version = document.find("version");
    if (version == document.end() || *version != kVersion)
        return fail("its version is not " + std::to_string(kVersion));
    SavedState state;
    const auto number = [&](const char* key) {
        const auto found = document.find(key);
        return found != document.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                                     : 0;
    };
    state.generation = static_cast<std::uint64_t>(number("generation"));
    state.saved_at = number("savedAt");
    state.mesh.directory = string_at(document, "directory");
    const auto files = document.find("files");
    if (files == document.end() || !files->is_array())
        return fail("it has no list of files");
    for (const auto& file : *files) {
        if (!file.is_object())
            return fail("one of its files is no object");
        state.mesh.files.push_back({string_at(file, "name"), string_at(file, "text")});
    }
    if (string_at(document, "digest") != std::to_string(state.mesh.digest()))
        return fail("its digest does not match its content");
    return state;
}

namespace {

Status make_directory(const std::string& directory) {
    if (::mkdir(directory.c_str(), 0755) && errno != EEXIST)
        return fail_errno("cannot make " + directory, errno);
    return {};
}

// By a new file and a rename.
Status write_state(const std::string& path, const SavedState& state) {
    const std::string fresh = path + ".new";
    const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd)
        return fail_errno("cannot write " + fresh, errno);
    if (auto written = write_all(fd.get(), encode_saved_state(state)); !written)
        return fail_with(written.error(), fresh);
    if (::fsync(fd.get()) || ::rename(fresh.c_str(), path.c_str()))
        return fail_errno("cannot write " + path, errno);
    return {};
}

Result<SavedState> read_state(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail_errno("cannot read " + path, errno == 0 ? EIO : errno);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto state = decode_saved_state(text);
    if (!state)
        return fail_with(state.error(), path + " is damaged");
    return state;
}

std::string history_directory(const std::string& directory) {
    return directory + "/generations";
}

// Generations, oldest first.
std::vector<std::uint64_t> generations_in(const std::string& directory) {
    std::vector<std::uint64_t> generations;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(history_directory(directory), error)) {
        const std::string name = entry.path().filename().string();
        std::uint64_t generation = 0;
        const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), generation);
        if (bad == std::errc() && std::string_view(end) == ".json")
            generations.push_back(generation);
    }
    std::sort(generations.begin(), generations.end());
    return generations;
}

std::string history_path(const std::string& directory, std::uint64_t generation) {
    return history_directory(directory) + "/" + std::to_string(generation) + ".json";
}

}  // namespace

Status save_state(const std::string& directory, const SavedState& state) {
    WEIR_CHECK(make_directory(directory));
    return write_state(saved_state_path(directory), state);
}

Result<SavedState> load_state(const std::string& directory) {
    return read_state(saved_state_path(directory));
}

Status add_to_history(const std::string& directory, const SavedState& state) {
    auto known = generations_in(directory);
    if (!known.empty()) {
        const auto newest = read_state(history_path(directory, known.back()));
        if (newest && newest->mesh.digest() == state.mesh.digest())
            return {};
    }
    WEIR_CHECK(make_directory(directory));
    WEIR_CHECK(make_directory(history_directory(directory)));
    WEIR_CHECK(write_state(history_path(directory, state.generation), state));
    known = generations_in(directory);
    for (std::size_t i = 0; i + kHistoryMost < known.size(); i++)
        ::unlink(history_path(directory, known[i]).c_str());
    return {};
}

Result<std::vector<SavedState>> load_history(const std::string& directory) {
    if (::access(directory.c_str(), R_OK | X_OK) != 0 && errno != ENOENT)
        return fail_errno("cannot read " + directory, errno);
    std::vector<SavedState> history;
    for (const auto generation : generations_in(directory))
        if (auto state = read_state(history_path(directory, generation)))
            history.push_back(std::move(*state));
    return history;
}

std::vector<std::string> state_files(const std::string& directory) {
    std::vector<std::string> paths{saved_state_path(directory)};
    for (const auto generation : generations_in(directory))
        paths.push_back(history_path(directory, generation));
    std::vector<std::string> files;
    for (const auto& path : paths)
        for (const auto& file : {path, path + ".new"})
            if (::access(file.c_str(), F_OK) == 0)
                files.push_back(file);
    return files;
}

void remove_state_directories(const std::string& directory) {
    ::rmdir(history_directory(directory).c_str());
    ::rmdir(directory.c_str());
}

}  // namespace weir
