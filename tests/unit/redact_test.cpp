// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/redact.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Redact, WhatMayBeSecretIsNotThere) {
    for (const char* text : {"password: hunter2",
                             "  db_password: \"hunter2\"",
                             "\"apiToken\": \"hunter2\",",
                             "labels: {version: v1, secret-key: hunter2}",
                             "--auth-token=hunter2",
                             "--password hunter2",
                             "WEIR_PASSWORD=hunter2",
                             "Authorization: Bearer hunter2",
                             "got bearer hunter2 here",
                             "url: https://user:hunter2@example.org/x",
                             "url: https://u:p@hunter2@example.org",
                             "AWS_ACCESS_KEY: 'hunter2'",
                             "client_secret = hunter2 and more",
                             "password: a,hunter2",
                             "\"secret\": \"a\\\"hunter2\"",
                             "tokens:\n  - hunter2\n  - hunter2",
                             "token: [a, hunter2]",
                             "\"tokens\": [\n  \"hunter2\"\n],",
                             "private_key: |\n  hunter2\n  hunter2\n",
                             "x: |\n  -----BEGIN KEY-----\n  hunter2\n  -----END KEY-----\n"}) {
        const auto clean = redacted(text);
        EXPECT_EQ(clean.find("hunter2"), std::string::npos) << clean;
    }
}

TEST(Redact, TheRestStays) {
    for (const std::string text :
         {"services:\n  orders.shop:\n    addresses: [10.96.0.10, \"fd00::10\"]\n",
          "{\"endpoint\": \"10.0.0.2:8080\", \"keys\": 3}\n\nhttps://example.org/a@b\n",
          "\"default/token-issuer:80\",\n\"next\": 1", "a sentence about a token, and more\n", "",
          "\n\n"})
        EXPECT_EQ(redacted(text), text);
    EXPECT_EQ(redacted("a: {port: 80, token: x}"), "a: {port: 80, token: \"redacted\"");
    EXPECT_EQ(redacted("\"token\": \"x\", \"port\": 80"), "\"token\": \"redacted\", \"port\": 80");
    EXPECT_EQ(redacted("tokens:\n  - x\nports: [1]\n"), "tokens:\nports: [1]\n");
}

TEST(Redact, LongLinesTakeNoTime) {
    const auto clean = redacted(std::string(4 << 20, 'a') + "\npassword: hunter2\n");
    EXPECT_NE(clean.find("4194304 bytes was left out"), std::string::npos);
    EXPECT_EQ(clean.find("hunter2"), std::string::npos);
    EXPECT_EQ(redacted(std::string(16000, '-')).size(), 16000U);
}

}  // namespace
}  // namespace weir
