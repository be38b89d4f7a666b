// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/saved_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
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

Status save_state(const std::string& directory, const SavedState& state) {
    if (::mkdir(directory.c_str(), 0755) && errno != EEXIST)
        return fail_errno("cannot make " + directory, errno);
    const std::string path = saved_state_path(directory), fresh = path + ".new";
    const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd)
        return fail_errno("cannot write " + fresh, errno);
    if (auto written = write_all(fd.get(), encode_saved_state(state)); !written)
        return fail_with(written.error(), fresh);
    if (::fsync(fd.get()) || ::rename(fresh.c_str(), path.c_str()))
        return fail_errno("cannot write " + path, errno);
    return {};
}

Result<SavedState> load_state(const std::string& directory) {
    const std::string path = saved_state_path(directory);
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail_errno("cannot read " + path, errno == 0 ? EIO : errno);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto state = decode_saved_state(text);
    if (!state)
        return fail_with(state.error(), path + " is damaged");
    return state;
}

}  // namespace weir
