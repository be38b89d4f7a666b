// SPDX-License-Identifier: Apache-2.0
#include "userspace/source/text_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <system_error>
#include <tuple>

#include "maps/fd.h"

namespace weir {
namespace {

constexpr ::off_t kFileMax = ::off_t{64} << 20U;
constexpr ::time_t kSettledAfter = 2;  // whole seconds; file times are a second apart at most

Result<std::string> read_text(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat stat{};
    if (!file || ::fstat(file.get(), &stat) != 0)
        return fail_errno("cannot read " + path, errno);
    std::string text(static_cast<std::size_t>(stat.st_size) + 1, '\0');
    std::size_t done = 0;
    for (;;) {  // it may have grown since
        const auto length = ::read(file.get(), text.data() + done, text.size() - done);
        if (length < 0)
            return fail_errno("cannot read " + path, errno);
        if (length == 0)
            break;
        done += static_cast<std::size_t>(length);
        if (done == text.size())
            text.resize(text.size() * 2);
    }
    text.resize(done);
    return text;
}

// A link that leads nowhere must not make its services vanish.
Result<struct stat> look_at(const std::string& path) {
    struct stat stat{};
    const bool there = ::stat(path.c_str(), &stat) == 0;
    if (!there || !S_ISREG(stat.st_mode))
        return fail(path + " is no readable file" +
                    (there ? "" : " (" + std::generic_category().message(errno) + ")") +
                    ": mend or remove it, nothing of the directory is taken until then");
    if (stat.st_size > kFileMax)
        return fail(path + " is larger than 64 MiB: split it");
    return stat;
}

auto signature(const struct stat& stat) {
    return std::tuple(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtim.tv_sec,
                      stat.st_mtim.tv_nsec, stat.st_ctim.tv_sec, stat.st_ctim.tv_nsec);
}

}  // namespace

void TextCache::begin() {
    for (auto& [path, known] : files_)
        known.asked = false;
}

void TextCache::end() {
    std::erase_if(files_, [](const auto& file) { return !file.second.asked; });
}

Result<FileText> TextCache::read(const std::string& path) {
    WEIR_TRY(const struct stat now, look_at(path));
    const auto [entry, fresh] = files_.try_emplace(path);
    auto& known = entry->second;
    known.asked = true;
    if (known.settled && signature(known.at) == signature(now))
        return known.text;
    const auto age = ::time(nullptr) - now.st_ctim.tv_sec;
    auto text = read_text(path);
    if (!text) {
        files_.erase(entry);
        return tl::unexpected(text.error());
    }
    known.at = now;
    known.settled = age >= kSettledAfter;
    if (fresh || known.text.str() != *text)
        known.text = FileText(std::move(*text));
    return known.text;
}

}  // namespace weir
