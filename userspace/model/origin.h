// SPDX-License-Identifier: Apache-2.0
// Where a value was written, and what is wrong with it. Ignored by comparisons: a service that
// moves to another line is the same service.
#pragma once

#include <algorithm>
#include <compare>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace weir {

// Shared by all that is written in the file.
class FileName {
  public:
    FileName() = default;
    FileName(std::string name) : name_(std::make_shared<const std::string>(std::move(name))) {}
    FileName(const char* name) : FileName(std::string(name)) {}
    std::string str() const { return name_ ? *name_ : ""; }
    friend auto operator<=>(const FileName& a, const FileName& b) { return a.str() <=> b.str(); }
    friend bool operator==(const FileName& a, const FileName& b) { return a.str() == b.str(); }

  private:
    std::shared_ptr<const std::string> name_;
};

struct Origin {
    FileName file;
    int line = 0;    // from 1; 0 = the file as a whole
    int column = 0;  // from 1

    std::string str() const {
        return line == 0 ? file.str()
                         : file.str() + ":" + std::to_string(line) + ":" + std::to_string(column);
    }
    friend bool operator==(const Origin&, const Origin&) { return true; }
};

enum class Severity { kError, kWarning };

struct Diagnostic {
    Severity severity = Severity::kError;
    Origin origin;
    std::string message;  // the thing, the cause, and what to write instead

    // "mesh.d/shop.yaml:3:5: error: unknown key …", as compilers print it.
    std::string str() const {
        return origin.str() + (severity == Severity::kError ? ": error: " : ": warning: ") +
               message;
    }
};

// All that was found, not only the first.
class Diagnostics {
  public:
    void error(Origin origin, std::string message) {
        all_.push_back({Severity::kError, std::move(origin), std::move(message)});
    }
    void warning(Origin origin, std::string message) {
        all_.push_back({Severity::kWarning, std::move(origin), std::move(message)});
    }
    void add(const Diagnostics& others) {
        all_.insert(all_.end(), others.all_.begin(), others.all_.end());
    }
    bool has_errors() const {
        return std::any_of(all_.begin(), all_.end(), [](const Diagnostic& found) {
            return found.severity == Severity::kError;
        });
    }
    // In the order of files, lines and columns.
    std::vector<Diagnostic> sorted() const {
        auto copy = all_;
        std::stable_sort(copy.begin(), copy.end(), [](const Diagnostic& a, const Diagnostic& b) {
            return std::tie(a.origin.file, a.origin.line, a.origin.column) <
                   std::tie(b.origin.file, b.origin.line, b.origin.column);
        });
        return copy;
    }

  private:
    std::vector<Diagnostic> all_;
};

}  // namespace weir
