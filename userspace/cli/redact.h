// SPDX-License-Identifier: Apache-2.0
// Takes what may be secret out of text that leaves the house. Line by line, whatever the language
// of the file: too much rather than too little. Pure.
#pragma once

#include <string>

namespace weir {

// "password: hunter2" -> "password: redacted"; so with token, secret, key, credential,
// authorization, cookie and the like, in YAML, JSON, flags and environments, and what stands
// between a scheme and a host ("https://user:pass@host").
std::string redacted(const std::string& text);

}  // namespace weir
