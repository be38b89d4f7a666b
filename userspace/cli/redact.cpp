// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/redact.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace weir {
namespace {

constexpr std::size_t kLongestLine = 16384;
constexpr std::array<std::string_view, 11> kSecrets{
    "password", "passwd",  "secret", "token",   "credential", "authorization",
    "cookie",   "private", "apikey", "api_key", "access_key"};

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

bool names_a_secret(std::string_view word) {
    std::string lower(word);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
        return static_cast<char>(c == '-' ? '_' : std::tolower(c));
    });
    return std::any_of(kSecrets.begin(), kSecrets.end(), [&](std::string_view secret) {
        return lower.find(secret) != std::string::npos;
    });
}

std::size_t skip_blanks(const std::string& line, std::size_t at) {
    while (at < line.size() && (line[at] == ' ' || line[at] == '\t'))
        at++;
    return at;
}

// Where the value begins that belongs to the word which ends at `end`; npos: it has none.
// "token-issuer:80" is no key with a value: YAML wants a blank, and JSON quotes.
std::size_t value_after(const std::string& line, std::size_t start, std::size_t end) {
    const bool is_flag = line.compare(start, 2, "--") == 0;
    const bool quoted = end < line.size() && (line[end] == '"' || line[end] == '\'');
    auto at = skip_blanks(line, quoted ? end + 1 : end);
    if (at == line.size())
        return std::string::npos;
    if (line[at] == '=' || (line[at] == ':' && (quoted || at + 1 == line.size() ||
                                                line[at + 1] == ' ' || line[at + 1] == '\t')))
        return skip_blanks(line, at + 1);
    return is_flag && at > end ? at : std::string::npos;
}

// Behind the value: of a quoted one its quote, else the end of the line.
std::size_t end_of_value(const std::string& line, std::size_t at) {
    const char quote = line[at];
    if (quote != '"' && quote != '\'')
        return line.size();
    for (at++; at < line.size() && line[at] != quote; at++)
        if (line[at] == '\\')
            at++;
    return std::min(at + 1, line.size());
}

std::size_t indent_of(const std::string& line) {
    return skip_blanks(line, 0);
}

// "scheme://user:word@host"
void redact_urls(std::string& line) {
    for (auto at = line.find("://"); at != std::string::npos; at = line.find("://", at + 3)) {
        const auto end = std::min(line.find_first_of("/ \t\"'?", at + 3), line.size());
        const auto host = line.rfind('@', end);
        if (host != std::string::npos && host > at + 2 && host < end)
            line.replace(at + 3, host - at - 3, "redacted");
    }
}

class Redactor {
  public:
    // Nothing where the line is a part of something secret that began before.
    std::string operator()(std::string line) {
        if (hidden_ && (line.empty() || indent_of(line) > indent_ || in_key_))
            return in_key_ ? end_key(line) : "";
        hidden_ = false;
        if (line.size() > kLongestLine)
            return "(a line of " + std::to_string(line.size()) + " bytes was left out)\n";
        if (line.find("-----BEGIN") != std::string::npos) {
            hidden_ = in_key_ = true;
            return "redacted\n";
        }
        redact_urls(line);
        redact_values(line);
        return line + "\n";
    }

  private:
    std::string end_key(const std::string& line) {
        in_key_ = line.find("-----END") == std::string::npos;
        hidden_ = in_key_;
        return "";
    }

    void redact_values(std::string& line) {
        for (std::size_t at = 0; at < line.size();) {
            if (!is_word(line[at])) {
                at++;
                continue;
            }
            auto end = at;
            while (end < line.size() && is_word(line[end]))
                end++;
            at = redact_after(line, at, end);
        }
    }

    // Where to go on.
    std::size_t redact_after(std::string& line, std::size_t start, std::size_t end) {
        const std::string_view word(line.data() + start, end - start);
        std::string lower(word);
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        auto value = std::string::npos;
        if (lower == "bearer")
            value = skip_blanks(line, end);
        else if (names_a_secret(word))
            value = value_after(line, start, end);
        else
            return end;
        if (value == std::string::npos)
            return opens_block(line, end) ? line.size() : end;
        if (value >= line.size() || std::string_view("[{|>").find(line[value]) != std::string::npos)
            hide_deeper(line);  // what belongs to it stands below
        if (value >= line.size())
            return line.size();
        const auto last = end_of_value(line, value);
        line.replace(value, last - value, "\"redacted\"");
        return value + std::string_view("\"redacted\"").size();
    }

    // "tokens:" at the end of its line.
    bool opens_block(const std::string& line, std::size_t end) {
        if (end >= line.size() || line[end] != ':' || skip_blanks(line, end + 1) != line.size())
            return false;
        hide_deeper(line);
        return true;
    }

    void hide_deeper(const std::string& line) {
        hidden_ = true;
        indent_ = indent_of(line);
    }

    bool hidden_ = false, in_key_ = false;
    std::size_t indent_ = 0;
};

}  // namespace

std::string redacted(const std::string& text) {
    Redactor redactor;
    std::string clean;
    std::size_t start = 0;
    while (start < text.size()) {
        const auto end = std::min(text.find('\n', start), text.size());
        clean += redactor(text.substr(start, end - start));
        start = end + 1;
    }
    if (!text.empty() && text.back() != '\n' && clean.ends_with('\n'))
        clean.pop_back();
    return clean;
}

}  // namespace weir
