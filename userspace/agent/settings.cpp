// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/settings.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>

#include "userspace/model/duration.h"
#include "userspace/source/fields.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts)
        text += (text.empty() ? "" : ",") + part;
    return text;
}

// Reads one value of the file into its setting.
class Taker {
  public:
    Taker(const YamlNode& node, std::string what, Diagnostics& found)
        : node_(node), what_(std::move(what)), found_(found) {}

    bool operator()(std::string* text) {
        const auto read = read_string(node_, what_, found_);
        if (read)
            *text = *read;
        return read.has_value();
    }
    bool operator()(const Rows& rows) {
        const auto read = read_number(node_, what_, rows.least, rows.most, found_);
        if (read)
            *rows.count = static_cast<std::uint32_t>(*read);
        return read.has_value();
    }
    bool operator()(const Length& length) {
        const auto read = read_duration(node_, what_, 1ms, 24h, found_);
        if (read)
            *length.ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(*read).count());
        return read.has_value();
    }
    bool operator()(const Share& share) {
        const auto read = read_string(node_, what_, found_);
        const auto every = read ? parse_share(*read) : std::nullopt;
        if (read && !every)
            found_.error(node_.origin, what_ + " is \"" + *read + "\": write " + kShareForms);
        if (every)
            *share.every = *every;
        return every.has_value();
    }
    bool operator()(Mode* mode) {
        *mode = read_mode(node_, what_, found_);
        return true;
    }
    bool operator()(std::vector<std::string>* patterns) {
        const auto items = read_list(&node_, what_, found_);
        for (const auto& item : items)
            if (auto pattern = read_cgroup_pattern(item, "a pattern of " + what_, found_))
                patterns->push_back(std::move(*pattern));
        return true;
    }

  private:
    const YamlNode& node_;
    std::string what_;
    Diagnostics& found_;
};

// "tables.edges" -> "tables", "edges"; "listen" -> "", "listen".
std::pair<std::string_view, std::string_view> split(std::string_view key) {
    const auto dot = key.find('.');
    return dot == std::string_view::npos ? std::pair(std::string_view(), key)
                                         : std::pair(key.substr(0, dot), key.substr(dot + 1));
}

}  // namespace

std::string Setting::value_str() const {
    if (const auto* text = std::get_if<std::string*>(&value))
        return **text;
    if (const auto* rows = std::get_if<Rows>(&value))
        return std::to_string(*rows->count);
    if (const auto* length = std::get_if<Length>(&value))
        return duration_str(std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::nanoseconds(*length->ns)));
    if (const auto* share = std::get_if<Share>(&value))
        return share_str(*share->every);
    if (const auto* mode = std::get_if<Mode*>(&value))
        return std::string(mode_name(**mode));
    return joined(*std::get<std::vector<std::string>*>(value));
}

namespace {

std::vector<Setting> observing(AgentOptions& o) {
    return {
        {"observe.firstByte", "--first-byte", "",
         "which share of connections is sampled for the time to the first byte of answers: 0, 1, "
         "1/8",
         Share{&o.settings.first_byte_every}},
        {"observe.events", "--events", "",
         "which share of connections is told of as it opens and closes; failures are, unless it is "
         "0",
         Share{&o.settings.events_every}},
        {"observe.eventsPerSecond", "--events-per-second", "",
         "at most so many events of one service port",
         Rows{&o.settings.events_per_second, 1U << 24U, ""}},
        {"observe.slow", "--slow", "",
         "connections whose handshake or longest answer takes so long are told of in any case",
         Length{&o.settings.slow_ns}},
        {"observe.unmanaged", "--unmanaged", "",
         "1: connects that go to no service are counted, by caller; 0: they are not",
         Share{&o.settings.counts_unmanaged}},
        {"observe.logBad", "", "", "which share of connections that fail or are slow is logged",
         Share{&o.log_bad_every}},
        {"observe.logSample", "", "", "which share of the others is logged",
         Share{&o.log_sample_every}},
        {"metrics.maxSeries", "--max-series", "",
         "how many series /metrics may have; what does not fit is summed into \"other\"",
         Rows{&o.max_series, 1U << 20U, "", 500}},
    };
}

}  // namespace

Settings::Settings(AgentOptions& o) {
    auto& sizes = o.sizes;
    const auto rows = [&](const char* key, const char* flag, std::uint32_t& count,
                          std::uint32_t most, const char* table, const char* help) {
        all_.push_back({key, flag, "", help, Rows{&count, most, table}});
    };
    all_ = {
        {"mesh", "--mesh", "WEIR_MESH", "the mesh directory", &o.paths.mesh},
        {"state", "--state", "WEIR_STATE", "directory of the last good mesh", &o.paths.state},
        {"bpffs", "--bpffs", "WEIR_BPFFS", "where a bpf file system is mounted", &o.paths.bpffs},
        {"socket", "--socket", "WEIR_SOCKET", "the agent's control socket", &o.paths.socket},
        {"cgroup", "--cgroup", "WEIR_CGROUP",
         "steer only below this cgroup2 directory (default: the whole machine)", &o.paths.cgroup},
        {"listen", "--listen", "", "ADDRESS:PORT of /metrics and /healthz; empty: none", &o.listen},
        {"zone", "", "", "the zone that this node is in", &o.zone},
        {"mode", "", "", "steer, observe or off, for the whole node", &o.mode},
        {"exclude.cgroups", "", "", "cgroup patterns that are left alone", &o.excluded_cgroups},
        {"udp.idle", "--udp-idle", "",
         "how long an unconnected UDP socket keeps its endpoint without use",
         Length{&o.settings.udp_idle_ns}},
    };
    std::ranges::move(observing(o), std::back_inserter(all_));
    rows("tables.servicePorts", "--max-service-ports", sizes.service_ports, 1U << 20U,
         "weir_svc_port weir_svc_state", "rows of the service table");
    rows("tables.addresses", "--max-addresses", sizes.vips, 1U << 20U, "weir_vip",
         "rows of the address table");
    rows("tables.endpoints", "--max-endpoints", sizes.endpoints, 1U << 22U,
         "weir_endpoint weir_ep_state", "rows of the endpoint table");
    rows("tables.slots", "--max-slots", sizes.slot_words, 1U << 26U, "weir_slot",
         "rows of the slot table");
    rows("tables.edges", "--max-edges", sizes.edges, 1U << 22U, "weir_edge weir_latency",
         "rows of the edge table");
    rows("tables.cgroups", "--max-cgroups", sizes.cgroups, 1U << 22U, "weir_cgroup",
         "rows of the cgroup table");
    rows("tables.cgroupPatterns", "--max-cgroup-patterns", sizes.cgroup_patterns, 1U << 16U,
         "weir_cg_prefix", "rows of the pattern table");
    rows("tables.affinities", "--max-affinities", sizes.affinities, 1U << 22U, "weir_affinity",
         "rows of the affinity table");
    rows("tables.udpSpill", "--max-udp-spill", sizes.udp_spill, 1U << 22U, "weir_udp_spill",
         "rows of the UDP spill table");
}

void Settings::read_file(const std::string& path, bool named, Diagnostics& found) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        if (named)
            found.error({path, 0, 0}, "cannot be read: name a file with --config, or none");
        return;
    }
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto root = parse_yaml(text, path, found);
    if (!root)
        return;
    std::map<std::string_view, std::vector<std::string_view>> known;  // "" = the file itself
    for (const auto& setting : all_) {
        const auto [section, key] = split(setting.key);
        if (!section.empty() && known[section].empty())
            known[""].push_back(section);
        known[section].push_back(key);
    }
    std::map<std::string_view, MappingReader> readers;
    const auto& top =
        readers.try_emplace("", *root, "agent.yaml", known.at(""), found).first->second;
    for (const auto& [section, keys] : known)
        if (const auto* node = section.empty() ? nullptr : top.find(section))
            readers.try_emplace(section, *node, Phrase{"`", section, "`"}, keys, found);
    for (auto& setting : all_) {
        const auto [section, key] = split(setting.key);
        const auto reader = readers.find(section);
        const auto* value = reader == readers.end() ? nullptr : reader->second.find(key);
        if (value != nullptr && setting.origin == "default" &&
            std::visit(Taker(*value, "`" + std::string(setting.key) + "`", found), setting.value))
            setting.origin = value->origin.str();
    }
}

}  // namespace weir
