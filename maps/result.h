// SPDX-License-Identifier: Apache-2.0
// Errors are values: a function that can fail returns Result<T>, and each caller adds its context.
// Libraries return errors, only programs print them. The member names are std::expected's.
#pragma once

#include <cstring>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace weir {

struct Error {
    std::string message;  // names the thing, the cause and, where there is one, the next step
    int code = 0;         // an errno, or 0
    int exit_code = 1;    // of a program that ends because of it (docs/cli.md)
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(std::string message, int code = 0) {
    return tl::unexpected<Error>(Error{std::move(message), code});
}

// "cannot open /x: No such file or directory"
[[nodiscard]] inline tl::unexpected<Error> fail_errno(const std::string& what, int code) {
    return fail(what + ": " + std::strerror(code), code);
}

template <typename T>
[[nodiscard]] Status status_of(const Result<T>& result) {
    return result ? Status() : Status(tl::unexpected(result.error()));
}

[[nodiscard]] inline tl::unexpected<Error> fail_with(Error error, const std::string& context) {
    error.message = context + ": " + error.message;
    return tl::unexpected<Error>(std::move(error));
}

}  // namespace weir

#define WEIR_CONCAT_(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_(a, b)

// WEIR_TRY(auto fd, open_it()): the value, or return the error.
#define WEIR_TRY(declaration, expression)                            \
    auto WEIR_CONCAT(weir_result_, __LINE__) = (expression);         \
    if (!WEIR_CONCAT(weir_result_, __LINE__))                        \
        return tl::unexpected<::weir::Error>(                        \
            std::move(WEIR_CONCAT(weir_result_, __LINE__).error())); \
    declaration = std::move(*WEIR_CONCAT(weir_result_, __LINE__))

// WEIR_CHECK(write_it()): go on, or return the error.
#define WEIR_CHECK(expression)                         \
    if (auto weir_status = (expression); !weir_status) \
    return tl::unexpected<::weir::Error>(std::move(weir_status.error()))
