// SPDX-License-Identifier: Apache-2.0
// How good the choices of least latency are: a simulation of endpoints with queues, in which weir's
// decisions (bpf/core/least_latency.h) and those of Linkerd's balancer get the same arrivals and
// the same work. Linkerd: tower's PeakEwma, decay 10 s, default RTT 30 ms, two endpoints drawn.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <random>

#include "bpf/core/least_latency.h"

namespace weir {
namespace {

struct Endpoint {
    unsigned active = 0;
    std::vector<double> free_at;  // its workers, in s
    std::uint64_t word = 0;       // weir
    __u32 tried_ms = 0;
    double ewma_s = 0.030, at_s = 0;  // Linkerd
};

using Mesh = std::vector<Endpoint>;
using Random = std::mt19937_64;

class Balancer {
  public:
    virtual ~Balancer() = default;
    virtual bool first_wins(Endpoint& a, Endpoint& b, double now_s, Random& random) = 0;
    virtual void connected(Endpoint&, double) {}
    virtual void answered(Endpoint& endpoint, double took_s, double now_s) = 0;
};

class Weir : public Balancer {
  public:
    bool first_wins(Endpoint& a, Endpoint& b, double now_s, Random& random) override {
        const auto candidate = [](const Endpoint& e) {
            return weir_candidate{weir_latency_us(e.word),
                                  static_cast<__u32>(weir_latency_is_known(e.word)), e.active, 64};
        };
        const bool first = weir_is_quicker(candidate(a), candidate(b), 1) != 0;
        Endpoint& loser = first ? b : a;
        const auto now_ms = static_cast<__u32>(now_s * 1000);
        if (loser.word == 0 || weir_is_worth_a_try(loser.word, loser.tried_ms, now_ms,
                                                   static_cast<__u32>(random())) == 0)
            return first;
        loser.tried_ms = now_ms;
        return !first;
    }
    void connected(Endpoint& endpoint, double now_s) override {
        endpoint.word = weir_latency_after(endpoint.word, 50, WEIR_LATENCY_GUESSED,
                                           static_cast<__u32>(now_s * 1000));
    }
    void answered(Endpoint& endpoint, double took_s, double now_s) override {
        endpoint.word = weir_latency_after(endpoint.word, static_cast<__u32>(took_s * 1e6), 0,
                                           static_cast<__u32>(now_s * 1000));
    }
};

class Linkerd : public Balancer {
  public:
    bool first_wins(Endpoint& a, Endpoint& b, double now_s, Random&) override {
        update(a, 0, now_s);
        update(b, 0, now_s);
        return a.ewma_s * (a.active + 1) <= b.ewma_s * (b.active + 1);
    }
    void answered(Endpoint& endpoint, double took_s, double now_s) override {
        update(endpoint, took_s, now_s);
    }

  private:
    static void update(Endpoint& endpoint, double took_s, double now_s) {
        const double left = std::exp(-(now_s - endpoint.at_s) / 10.0);
        endpoint.ewma_s =
            took_s > endpoint.ewma_s ? took_s : endpoint.ewma_s * left + took_s * (1 - left);
        endpoint.at_s = now_s;
    }
};

class RandomChoice : public Balancer {
  public:
    bool first_wins(Endpoint&, Endpoint&, double, Random&) override { return true; }
    void answered(Endpoint&, double, double) override {}
};

struct Scenario {
    const char* name;
    unsigned endpoints;
    double per_second;
    // How much longer than 5 ms on average the endpoint takes, at that time.
    std::function<double(unsigned endpoint, double now_s)> times;
};

struct Outcome {
    double p99_s = 0;
    std::vector<unsigned> last_5_s;  // picks of each endpoint
};

Outcome simulate(const Scenario& scenario, Balancer& balancer, std::uint64_t seed) {
    constexpr double kEnd = 30;
    Random arrivals(seed), draws(seed + 1), work(seed + 2);
    Mesh mesh(scenario.endpoints);
    for (auto& endpoint : mesh)
        endpoint.free_at.assign(8, 0);
    struct Done {
        double at_s, took_s;
        unsigned endpoint;
        bool operator>(const Done& other) const { return at_s > other.at_s; }
    };
    std::priority_queue<Done, std::vector<Done>, std::greater<>> running;
    std::vector<double> took;
    Outcome outcome;
    outcome.last_5_s.resize(scenario.endpoints);
    std::exponential_distribution<double> gap(scenario.per_second);
    std::lognormal_distribution<double> service(std::log(0.005) - 0.125, 0.5);
    for (double now = gap(arrivals); now < kEnd; now += gap(arrivals)) {
        for (; !running.empty() && running.top().at_s <= now; running.pop()) {
            const auto& done = running.top();
            mesh[done.endpoint].active--;
            balancer.answered(mesh[done.endpoint], done.took_s, done.at_s);
        }
        const auto one = static_cast<unsigned>(draws() % scenario.endpoints);
        const auto other = static_cast<unsigned>((one + 1 + draws() % (scenario.endpoints - 1)) %
                                                 scenario.endpoints);
        const auto pick = balancer.first_wins(mesh[one], mesh[other], now, draws) ? one : other;
        auto& endpoint = mesh[pick];
        endpoint.active++;
        balancer.connected(endpoint, now);
        auto& worker = *std::min_element(endpoint.free_at.begin(), endpoint.free_at.end());
        worker = std::max(worker, now) + service(work) * scenario.times(pick, now);
        running.push({worker, worker - now, pick});
        took.push_back(worker - now);
        if (now > kEnd - 5)
            outcome.last_5_s[pick]++;
    }
    std::sort(took.begin(), took.end());
    outcome.p99_s = took[took.size() * 99 / 100];
    return outcome;
}

double median_p99(const Scenario& scenario, Balancer& balancer) {
    std::vector<double> all;
    for (std::uint64_t seed = 1; seed <= 9; seed++)
        all.push_back(simulate(scenario, balancer, 100 * seed).p99_s);
    std::nth_element(all.begin(), all.begin() + 4, all.end());
    return all[4];
}

const Scenario kScenarios[]{
    {"alike", 5, 600, [](unsigned, double) { return 1.0; }},
    {"one is 20 times slower", 3, 600, [](unsigned e, double) { return e == 0 ? 20.0 : 1.0; }},
    {"one of ten is 20 times slower", 10, 1500,
     [](unsigned e, double) { return e == 0 ? 20.0 : 1.0; }},
    {"each is slower than the one before", 5, 600, [](unsigned e, double) { return 1.0 + e; }},
    {"one is slow for ten seconds", 3, 600,
     [](unsigned e, double now) { return e == 0 && now > 8 && now < 18 ? 20.0 : 1.0; }},
    {"one pauses every two seconds", 5, 600,
     [](unsigned e, double now) { return e == 0 && std::fmod(now, 2) < 0.1 ? 30.0 : 1.0; }},
    {"few requests, one is 20 times slower", 3, 30,
     [](unsigned e, double) { return e == 0 ? 20.0 : 1.0; }},
};

TEST(LeastLatencyQuality, TheSlowestPercentIsAsLinkerds) {
    for (const auto& scenario : kScenarios) {
        Weir weir;
        Linkerd linkerd;
        RandomChoice random;
        const double mine = median_p99(scenario, weir), its = median_p99(scenario, linkerd);
        std::printf("simulated p99, %-37s weir %6.1f ms, Linkerd %6.1f ms, random %7.1f ms\n",
                    scenario.name, 1000 * mine, 1000 * its, 1000 * median_p99(scenario, random));
        EXPECT_LE(mine, 1.1 * its) << scenario.name;
    }
}

// One that was slow early, and is not any more, is not left without connections for ever.
TEST(LeastLatencyQuality, NobodyStarves) {
    const Scenario scenario{"slow at the start", 3, 600,
                            [](unsigned e, double now) { return e == 0 && now < 20 ? 20.0 : 1.0; }};
    for (std::uint64_t seed = 1; seed <= 20; seed++) {
        Weir weir;
        const auto picks = simulate(scenario, weir, 1000 * seed).last_5_s;
        const unsigned all = picks[0] + picks[1] + picks[2];
        EXPECT_GT(picks[0], all / 6) << "seed " << seed;  // half of its fair share, after 5 s
    }
}

}  // namespace
}  // namespace weir
