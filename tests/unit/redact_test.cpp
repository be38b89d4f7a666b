// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/redact.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Redact, WhatMayBeSecretIsNotThere) {
    for (const char* line :
         {"password: hunter2", "  db_password: \"hunter2\"", "\"apiToken\": \"hunter2\",",
          "labels: {version: v1, secret-key: hunter2}", "--auth-token=hunter2",
          "WEIR_PASSWORD=hunter2", "Authorization: Bearer hunter2", "got bearer hunter2 here",
          "url: https://user:hunter2@example.org/x", "AWS_ACCESS_KEY: 'hunter2'",
          "client_secret = hunter2 and more"}) {
        const auto clean = redacted(line);
        EXPECT_EQ(clean.find("hunter2"), std::string::npos) << clean;
        EXPECT_NE(clean.find("redacted"), std::string::npos) << clean;
    }
}

TEST(Redact, TheRestStays) {
    const std::string text =
        "services:\n  orders.shop:\n    addresses: [10.96.0.10, \"fd00::10\"]\n"
        "{\"endpoint\": \"10.0.0.2:8080\", \"keys\": 3}\n\nhttps://example.org/a@b\n";
    EXPECT_EQ(redacted(text), text);
    EXPECT_EQ(redacted("a: {token: x, port: 80}"), "a: {token: \"redacted\", port: 80}");
}

}  // namespace
}  // namespace weir
