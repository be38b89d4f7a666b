// SPDX-License-Identifier: Apache-2.0
// A few words that name something in a message ("`address` of an endpoint of service "a""), put
// together only when there is a message: most of what is read is right. Holds views: what it names
// must outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace weir {

class Phrase {
  public:
    Phrase(const char* words) { add(words); }
    Phrase(const std::string& words) { add(words); }
    Phrase(std::initializer_list<std::string_view> words) {
        for (const auto part : words)
            add(part);
    }

    std::string str() const {
        std::string text;
        for (std::size_t i = 0; i < count_; i++)
            text += parts_.at(i);
        return text;
    }

    // Words before it are part of the phrase; words after it make it a message.
    friend Phrase operator+(const char* words, const Phrase& rest) {
        Phrase phrase(words);
        for (std::size_t i = 0; i < rest.count_; i++)
            phrase.add(rest.parts_.at(i));
        return phrase;
    }
    friend std::string operator+(const Phrase& phrase, std::string_view words) {
        return phrase.str().append(words);
    }

  private:
    void add(std::string_view part) { parts_.at(count_++) = part; }

    std::array<std::string_view, 8> parts_;
    std::size_t count_ = 0;
};

}  // namespace weir
