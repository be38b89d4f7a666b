// SPDX-License-Identifier: Apache-2.0
// One frame of `weir top`, and its document. Knows no terminal but its width.
#include <algorithm>
#include <array>

#include "userspace/cli/render.h"
#include "userspace/observe/views/json.h"

namespace weir {
namespace {

double p(const RateView& view, double share) {
    return view.latencies.first_byte.quantile(share).value_or(-1);
}

// By what is worst or most first; equals by name, so that rows do not dance.
double weight(const RateView& view, TopOrder order) {
    const auto& counts = view.counts;
    switch (order) {
        case TopOrder::kConnects: return view.perSecond;
        case TopOrder::kFailures: return 1 - view.success;
        case TopOrder::kP50: return p(view, 0.5);
        case TopOrder::kP99: return p(view, 0.99);
        case TopOrder::kRtt: return view.latencies.rtt.quantile(0.5).value_or(-1);
        case TopOrder::kBytes:
            return static_cast<double>(counts.bytes_sent + counts.bytes_received);
        case TopOrder::kRetransmits: return static_cast<double>(counts.retransmits);
        case TopOrder::kName: break;
    }
    return 0;
}

std::string per_second(double rate) {
    return rate > 0 && rate < 10 ? fixed(rate, 1) : fixed(rate, 0);
}

// The middle of a long name says least.
std::string shortened(const std::string& name, std::size_t width) {
    if (name.size() <= width || width < 8)
        return name;
    const auto tail = (width - 2) / 2, head = width - 2 - tail;
    return name.substr(0, head) + ".." + name.substr(name.size() - tail);
}

// Columns that keep their width from frame to frame: figures are found where they were.
struct Column {
    const char* title;
    std::size_t width;
    std::size_t from;  // on screens of so many columns
};
constexpr std::array<Column, 9> kColumns{{{"SUCCESS", 8, 0},
                                          {"CONN/S", 7, 0},
                                          {"P50", 7, 0},
                                          {"P95", 7, 88},
                                          {"P99", 7, 0},
                                          {"RTT", 7, 0},
                                          {"BYTES/S", 8, 0},
                                          {"RETRANS", 8, 0},
                                          {"EJECTED", 8, 0}}};

using Cells = std::array<std::string, kColumns.size()>;

// What is left of the screen.
std::size_t name_width(std::size_t columns) {
    std::size_t width = columns;
    for (const auto& column : kColumns)
        width -= columns >= column.from ? column.width : 0;
    return width;
}

std::string row_of(const std::string& name, std::size_t columns, const Cells& cells) {
    const auto width = name_width(columns);
    std::string line = shortened(name, width);
    line.resize(std::max(width, line.size()), ' ');
    for (std::size_t i = 0; i < cells.size(); i++) {
        if (columns < kColumns.at(i).from)
            continue;
        const auto room = kColumns.at(i).width, size = cells.at(i).size();
        line += std::string(size < room ? room - size : 1, ' ') + cells.at(i);
    }
    return line + "\n";
}

Cells cells_of(const RateView& view, double seconds) {
    const auto& counts = view.counts;
    const auto& first_byte = view.latencies.first_byte;
    const auto bytes = static_cast<double>(counts.bytes_sent + counts.bytes_received) / seconds;
    return {percent(view.success),
            per_second(view.perSecond),
            time_cell(first_byte, 0.5),
            time_cell(first_byte, 0.95),
            time_cell(first_byte, 0.99),
            time_cell(view.latencies.rtt, 0.5),
            short_bytes(static_cast<std::uint64_t>(bytes)),
            number(counts.retransmits),
            number(view.ejected)};
}

}  // namespace

std::vector<RateView> sorted_for_top(std::vector<RateView> views, TopOrder order) {
    std::stable_sort(views.begin(), views.end(), [order](const RateView& a, const RateView& b) {
        return weight(a, order) > weight(b, order);
    });
    return views;
}

std::string render_top(const std::vector<RateView>& views, const TopFrame& frame) {
    const std::size_t columns = std::max<std::size_t>(frame.columns, 80);
    const char* what = frame.of == RateOf::kService    ? "SERVICE"
                       : frame.of == RateOf::kWorkload ? "WORKLOAD"
                                                       : "ENDPOINT";
    Cells titles;
    for (std::size_t i = 0; i < titles.size(); i++)
        titles.at(i) = kColumns.at(i).title;
    std::string text = row_of(what, columns, titles);
    std::size_t lines = 0;
    for (const auto& view : views) {
        if (frame.lines != 0 && lines++ == frame.lines)
            return text + "… and " + number(views.size() - frame.lines) + " more\n";
        text += row_of(view.name, columns, cells_of(view, frame.seconds));
    }
    return views.empty() ? text + "Nobody is calling a service.\n" : text;
}

std::string render_top_document(const std::vector<RateView>& views, double seconds, Format format) {
    auto items = nlohmann::json::array();
    for (const auto& view : views)
        items.push_back({{"name", view.name},
                         {"success", view.success},
                         {"connectsPerSecond", view.perSecond},
                         {"counts", view.counts},
                         {"latencies", view.latencies},
                         {"ejectedEndpoints", view.ejected}});
    return render_document(document("Top", {{"seconds", seconds}, {"items", std::move(items)}}),
                           format);
}

}  // namespace weir
