// SPDX-License-Identifier: Apache-2.0
// weir top: what is going on, second by second, from the kernel's own counts. On a terminal one
// frame takes the place of the last; elsewhere, and on a dumb one, they follow one another.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <thread>

#include "loader/exit_codes.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/interrupt.h"
#include "userspace/cli/node_view.h"
#include "userspace/cli/render.h"
#include "userspace/model/duration.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Edges = Seen<std::vector<EdgeView>>;
using Ejected = std::map<std::string, std::uint64_t>;

// The screen is the program's while it lives; the cursor comes back whatever ends it in order.
class Screen {
  public:
    Screen() {
        const char* term = std::getenv("TERM");
        live_ = ::isatty(STDOUT_FILENO) != 0 && term != nullptr && std::string_view(term) != "dumb";
        if (live_)
            std::fputs("\033[?1049h\033[?25l", stdout);
    }
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    ~Screen() {
        if (live_)
            std::fputs("\033[?25h\033[?1049l", stdout);
    }

    void size(TopFrame& frame) const {
        winsize size{};
        if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
            return;
        frame.columns = size.ws_col;
        if (live_ && size.ws_row > 5)
            frame.lines = size.ws_row - 5U;  // three lines above, one for those that are left out
    }
    void show(const std::string& text) const {
        std::fputs(live_ ? "\033[H\033[J" : "", stdout);
        std::fputs(text.c_str(), stdout);
        std::fputs(live_ ? "" : "\n", stdout);
        std::fflush(stdout);
    }

  private:
    bool live_ = false;
};

// Short sleeps, so that ^C is felt at once.
void sleep_until(Clock::time_point when, const InterruptFlag& interrupted) {
    while (!interrupted && Clock::now() < when)
        std::this_thread::sleep_for(std::min<Clock::duration>(when - Clock::now(), 50ms));
}

std::string title(const Edges& seen, double seconds) {
    const auto now = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&now, &parts);
    std::array<char, 16> text{};
    std::strftime(text.data(), text.size(), "%H:%M:%S", &parts);
    std::string line =
        std::string("weir top  ") + text.data() + "  over " + fixed(seconds, 1) + " s\n";
    if (!seen.agent)
        line += "the agent does not answer: bytes are counted when connections end\n";
    return line;
}

struct Look {
    Edges seen;
    Ejected ejected;  // by the names of rows
    Clock::time_point at;
};

Result<Look> look(const CliOptions& options) {
    WEIR_TRY(auto seen, see_edges(options.node.paths));
    const auto at = Clock::now();
    Ejected ejected;
    if (options.top_of != RateOf::kWorkload) {
        WEIR_TRY(const auto endpoints, see_endpoints(options.node.paths));
        ejected = ejected_by_name(endpoints.view, options.top_of);
    }
    return Look{std::move(seen), std::move(ejected), at};
}

std::vector<RateView> rates_between(const Look& before, const Look& now, const CliOptions& options,
                                    double seconds) {
    auto rates = rate_views(before.seen.view, now.seen.view, seconds, options.top_of);
    add_ejected(rates, now.ejected);
    return sorted_for_top(std::move(rates), options.top_order);
}

// After a pause (^Z) it goes on from now.
Clock::time_point after(Clock::time_point last, std::chrono::milliseconds window) {
    return std::max(last + window, Clock::now());
}

// What ends it is said once the terminal is as it was.
Status watch(const CliOptions& options, std::chrono::milliseconds window) {
    WEIR_TRY(auto before, look(options));
    const InterruptFlag interrupted;
    const Screen screen;
    for (auto next = before.at + window; !interrupted; next = after(next, window)) {
        sleep_until(next, interrupted);
        if (interrupted)
            break;
        WEIR_TRY(auto now, look(options));
        const double seconds = std::chrono::duration<double>(now.at - before.at).count();
        const auto rates = rates_between(before, now, options, seconds);
        TopFrame frame{options.top_of, seconds, 80, 0};
        screen.size(frame);
        if (is_document(options.format))
            std::fputs(render_top_document(rates, seconds, options.format).c_str(), stdout);
        else
            screen.show(title(now.seen, seconds) + render_top(rates, frame));
        if (options.once)
            break;
        before = std::move(now);
    }
    return {};
}

}  // namespace

int command_top(const CliOptions& options) {
    const auto window = parse_duration(options.window.empty() ? "2s" : options.window);
    if (!window || *window < 1s) {
        std::fprintf(stderr, "weir: --window %s: write a time of 1s or more, such as 2s\n",
                     options.window.c_str());
        return kExitUsage;
    }
    if (is_document(options.format) && !options.once) {
        std::fputs("weir: a document is written once: add --once\n", stderr);
        return kExitUsage;
    }
    const auto watched = watch(options, *window);
    return watched ? kExitOk : print_error(watched.error());
}

}  // namespace weir
