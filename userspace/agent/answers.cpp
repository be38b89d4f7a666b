// SPDX-License-Identifier: Apache-2.0
// What the running agent answers, on its control socket and to Prometheus.
#include <malloc.h>

#include <algorithm>

#include "userspace/agent/agent.h"
#include "userspace/agent/on_worker.h"
#include "userspace/control/api.h"
#include "userspace/observe/logs/log.h"
#include "userspace/observe/metrics/exporter.h"
#include "userspace/observe/views/json.h"

namespace weir {
using boost::asio::awaitable;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

// What a document was made of is many small pieces, which stay with the process although they are
// free: some milliseconds for a large one give them back.
void give_back_heap(std::size_t document) {
    constexpr std::size_t kLarge = 16 << 10;
    if (document > kLarge)
        ::malloc_trim(0);
}

}  // namespace

std::vector<HookView> Agent::hooks() const {
    std::vector<HookView> views;
    for (const auto& link : pinned_links(plane_.pins()))
        views.push_back({link.name, link.attached});
    return views;
}

awaitable<HttpResponse> Agent::answer_control(const HttpRequest& request) {
    const auto snapshot = follower_.in_force();
    const auto facts = this->facts();
    ApiBackend backend;
    const auto& tables = engine_.tables();
    const auto as_json = [](const auto& view) -> Result<nlohmann::json> {
        if (!view)
            return tl::unexpected(view.error());
        return nlohmann::json(*view);
    };
    // Counts stay where they are while they are read, not while text is made of them: the loop
    // waits for that to change the mesh.
    const auto counted = [&](auto look) {
        auto held = engine_.hold_edges();
        const auto view = look();
        held.unlock();
        return as_json(view);
    };
    const auto named = [&](auto look) -> Result<nlohmann::json> {
        WEIR_TRY(const Names names, Names::read(tables, *snapshot));
        return counted([&] { return look(names); });
    };
    backend.status = [&] {
        return named([&](const Names& names) {
            return status_view(tables, *snapshot, names, hooks(), &facts);
        });
    };
    backend.services = [&] { return counted([&] { return service_views(tables, *snapshot); }); };
    backend.endpoints = [&] { return counted([&] { return endpoint_views(tables, *snapshot); }); };
    backend.edges = [&] {
        return named([&](const Names& names) { return edge_views(tables, names); });
    };
    backend.unmanaged = [&] {
        return named([&](const Names& names) { return unmanaged_views(tables, names); });
    };
    backend.explain = [&](const std::string& from, const std::string& to) {
        return counted([&] { return explain_view(tables, *snapshot, from, to); });
    };
    backend.connections = [&]() -> Result<nlohmann::json> {
        WEIR_TRY(const Names names, Names::read(tables, *snapshot));
        WEIR_TRY(const auto rows, engine_.list_connections());
        return nlohmann::json(connection_views(rows, names));
    };
    // The worker gets a copy: the loop goes on adding.
    const auto entries = request.target().starts_with("/v1/flows") ? flows_ : FlowStore(0);
    backend.flows = [&](std::uint64_t from) -> Result<nlohmann::json> {
        WEIR_TRY(const Names names, Names::read(tables, *snapshot));
        return FlowsView{epoch_, entries.next(), flow_views(entries.from(from), names)};
    };
    bool rescan = false;
    backend.reload = [&] { rescan = true; };
    auto response = co_await on_worker(worker_, [&] {
        auto answer = answer_api(request, backend);
        give_back_heap(answer.body().size());
        return answer;
    });
    if (rescan)
        co_await reload();
    co_return response;
}

// The mesh may change while it waits for the worker: then once more, with the names of now.
awaitable<Result<std::string>> Agent::scrape() {
    for (;;) {
        const ScrapeInput input{&engine_.tables(),
                                follower_.in_force(),
                                hooks(),
                                facts(),
                                options_.zone,
                                log::dropped_lines() + connection_log_.dropped(),
                                http_counters_.refused};
        const auto generation = engine_.node().generation;
        auto text = co_await on_worker(worker_, [&]() -> Result<std::optional<std::string>> {
            auto held = engine_.hold_edges();
            if (MmapArray<weir_node>::load_word(engine_.node().generation) != generation)
                return std::nullopt;
            WEIR_TRY(auto views, read_scrape(input));
            held.unlock();
            return render_metrics(std::move(views), input, budget_);
        });
        if (!text)
            co_return tl::unexpected(text.error());
        if (*text)
            co_return std::move(**text);
    }
}

awaitable<HttpResponse> Agent::answer_metrics(const HttpRequest& request) {
    namespace http = boost::beast::http;
    const std::string target(request.target());
    if (request.method() != http::verb::get && request.method() != http::verb::head)
        co_return http_reply(405, "text/plain", "use GET\n");
    if (target == "/healthz")
        co_return http_reply(200, "text/plain", "ok\n");
    if (target != "/metrics")
        co_return http_reply(404, "text/plain", "there are /metrics and /healthz\n");
    // All who ask within a second share one rendering.
    if (scrape_.empty() || steady_clock::now() - scraped_at_ > 1s) {
        auto text = co_await scrape();
        if (!text)
            co_return http_reply(500, "text/plain", text.error().message + "\n");
        scrape_ = std::move(*text);
        scraped_at_ = steady_clock::now();
    }
    co_return http_reply(200, "text/plain; version=0.0.4; charset=utf-8", scrape_);
}

}  // namespace weir
