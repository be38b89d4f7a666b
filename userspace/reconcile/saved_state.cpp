// SPDX-License-Identifier: Apache-2.0
#include "userspace/reconcile/saved_state.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using nlohmann::json;
constexpr int kVersion = 2;
constexpr std::size_t kPrefix = 17;  // a digest in hex, and a dash

std::string string_at(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<MeshFile> decode_file(const json& file, const ReadSavedFile& read) {
    const auto saved_name = file.is_string() ? file.get<std::string>() : "";
    if (saved_name.size() <= kPrefix || saved_name.find('/') != std::string::npos)
        return fail("one of its files has no name");
    WEIR_TRY(FileText text, read(saved_name));
    MeshFile decoded{saved_name.substr(kPrefix), std::move(text)};
    if (saved_file_name(decoded) != saved_name)
        return fail("its file " + decoded.name + " is not what was saved");
    return decoded;
}

Result<std::string> read_whole(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail_errno("cannot read " + path, errno == 0 ? EIO : errno);
    return std::string{std::istreambuf_iterator<char>(file), {}};
}

// Texts that several states have are read once.
ReadSavedFile reader_of(const std::string& directory, std::map<std::string, FileText>& known) {
    return [directory = saved_files_path(directory),
            &known](const std::string& name) -> Result<FileText> {
        const auto found = known.find(name);
        if (found != known.end())
            return found->second;
        WEIR_TRY(std::string text, read_whole(directory + "/" + name));
        return known.emplace(name, std::move(text)).first->second;
    };
}

Result<SavedState> read_state(const std::string& path, const ReadSavedFile& read) {
    WEIR_TRY(const std::string text, read_whole(path));
    auto state = decode_saved_state(text, read);
    if (!state)
        return fail(path + " is damaged: " + state.error().message);
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

}  // namespace

std::string saved_state_path(const std::string& directory) {
    return directory + "/last-good.json";
}

std::string history_path(const std::string& directory, std::uint64_t generation) {
    return history_directory(directory) + "/" + std::to_string(generation) + ".json";
}

std::string saved_files_path(const std::string& directory) {
    return directory + "/files";
}

std::string saved_file_name(const MeshFile& file) {
    return digest_str(file.text.digest()) + "-" + file.name;
}

std::string encode_saved_state(const SavedState& state) {
    json files = json::array();
    for (const auto& file : state.mesh.files)
        files.push_back(saved_file_name(file));
    const json document = {{"version", kVersion},
                           {"generation", state.generation},
                           {"savedAt", state.saved_at},
                           {"directory", state.mesh.directory},
                           {"digest", digest_str(state.mesh.digest())},
                           {"files", files}};
    return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<SavedState> decode_saved_state(const std::string& text, const ReadSavedFile& read) {
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
        WEIR_TRY(MeshFile decoded, decode_file(file, read));
        state.mesh.files.push_back(std::move(decoded));
    }
    if (string_at(document, "digest") != digest_str(state.mesh.digest()))
        return fail("its digest does not match its content");
    return state;
}

Result<SavedState> load_state(const std::string& directory) {
    std::map<std::string, FileText> known;
    return read_state(saved_state_path(directory), reader_of(directory, known));
}

Result<std::vector<SavedState>> load_history(const std::string& directory) {
    if (::access(directory.c_str(), R_OK | X_OK) != 0 && errno != ENOENT)
        return fail_errno("cannot read " + directory, errno);
    std::map<std::string, FileText> known;
    std::vector<SavedState> history;
    for (const auto generation : generations_in(directory))
        if (auto state =
                read_state(history_path(directory, generation), reader_of(directory, known)))
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
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(saved_files_path(directory), error))
        files.push_back(entry.path().string());
    return files;
}

void remove_state_directories(const std::string& directory) {
    ::rmdir(history_directory(directory).c_str());
    ::rmdir(saved_files_path(directory).c_str());
    ::rmdir(directory.c_str());
}

}  // namespace weir
