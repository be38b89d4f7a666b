// SPDX-License-Identifier: Apache-2.0
// What `weir explain` prints. Knows no table of the kernel's.
#include "userspace/cli/render.h"
#include "userspace/observe/views/json.h"

namespace weir {

std::string render_explain(const ExplainView& view, Format format) {
    if (is_document(format)) {
        nlohmann::json content = view;
        return render_document(document("Explanation", content), format);
    }
    std::string text = view.from + " -> " + (view.service.empty() ? "" : view.service + " ") +
                       view.address + "/" + view.protocol + "\n" + view.verdict + ": " + view.why +
                       "\n";
    if (view.candidates.empty())
        return text;
    Table table(
        {"ENDPOINT", "SHARE", "ACTIVE", "OPENED", "FAILED", "P50", "P99", "RTT", "ANSWER", "WHY"});
    for (const auto& one : view.candidates)
        table.add({one.endpoint, percent(one.share), number(one.counts.active),
                   number(one.counts.opened), number(one.counts.failed),
                   time_cell(one.latencies.first_byte, 0.5),
                   time_cell(one.latencies.first_byte, 0.99), time_cell(one.latencies.rtt, 0.5),
                   one.answerSeconds > 0 ? short_time(one.answerSeconds) : "-",
                   one.why.empty() ? (one.in ? "in" : "out") : one.why});
    return text + "\n" + table.str();
}

}  // namespace weir
