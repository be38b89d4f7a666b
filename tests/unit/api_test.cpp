// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "userspace/control/api.h"

namespace weir {
namespace {

namespace http = boost::beast::http;

HttpResponse ask(http::verb verb, const std::string& target, bool* reloaded = nullptr) {
    ApiBackend backend;
    backend.status = [] { return Result<nlohmann::json>(nlohmann::json{{"generation", 3}}); };
    backend.services = [] { return Result<nlohmann::json>(fail("table is gone")); };
    backend.endpoints = backend.status;
    backend.reload = [&] {
        if (reloaded != nullptr)
            *reloaded = true;
    };
    return answer_api(HttpRequest(verb, target, 11), backend);
}

TEST(Api, ServesViews) {
    const auto response = ask(http::verb::get, "/v1/status");
    EXPECT_EQ(response.result_int(), 200U);
    EXPECT_EQ(response.body(), "{\"generation\":3}\n");
}

TEST(Api, SaysWhatFailed) {
    const auto response = ask(http::verb::get, "/v1/services");
    EXPECT_EQ(response.result_int(), 500U);
    EXPECT_EQ(response.body(), "{\"error\":\"table is gone\"}\n");
}

TEST(Api, ReloadsByPostOnly) {
    bool reloaded = false;
    EXPECT_EQ(ask(http::verb::get, "/v1/reload", &reloaded).result_int(), 405U);
    EXPECT_FALSE(reloaded);
    EXPECT_EQ(ask(http::verb::post, "/v1/reload", &reloaded).result_int(), 202U);
    EXPECT_TRUE(reloaded);
}

TEST(Api, KnowsNothingElse) {
    EXPECT_EQ(ask(http::verb::get, "/").result_int(), 404U);
    EXPECT_EQ(ask(http::verb::get, "/v1/status/").result_int(), 404U);
    EXPECT_EQ(ask(http::verb::delete_, "/v1/status").result_int(), 405U);
}

}  // namespace
}  // namespace weir
