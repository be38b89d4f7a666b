// SPDX-License-Identifier: Apache-2.0
#include "userspace/node/nat_rules.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <unordered_map>

namespace weir {
namespace {

constexpr const char* kIpvs = "/proc/net/ip_vs";
constexpr std::array kPrograms{"nft list ruleset", "iptables-save -t nat", "ip6tables-save -t nat"};

// By how their chains and tables are called, in nft's and iptables' listings alike.
struct Sign {
    const char* text;
    const char* owner;
};
constexpr std::array kSigns{
    Sign{"KUBE-SERVICES", "kube-proxy (chain KUBE-SERVICES)"},
    Sign{"table ip kube-proxy", "kube-proxy (table kube-proxy)"},
    Sign{"table ip6 kube-proxy", "kube-proxy (table kube-proxy)"},
    Sign{"ISTIO_REDIRECT", "an Istio sidecar (chain ISTIO_REDIRECT)"},
    Sign{"ISTIO_OUTPUT", "an Istio sidecar (chain ISTIO_OUTPUT)"},
    Sign{"PROXY_INIT_REDIRECT", "a Linkerd sidecar (chain PROXY_INIT_REDIRECT)"},
    Sign{"CILIUM_OUTPUT_nat", "Cilium (chain CILIUM_OUTPUT_nat)"},
    Sign{"IP Virtual Server version", "IPVS (/proc/net/ip_vs)"},
};

// nullopt: there is no such program, or it refuses.
std::optional<std::string> output_of(const std::string& command) {
    FILE* pipe = ::popen(("PATH=$PATH:/usr/sbin:/sbin; " + command + " 2>/dev/null").c_str(), "r");
    if (pipe == nullptr)
        return std::nullopt;
    std::string text;
    std::array<char, 65536> buffer{};
    while (const auto length = std::fread(buffer.data(), 1, buffer.size(), pipe))
        text.append(buffer.data(), length);
    return ::pclose(pipe) == 0 ? std::optional(std::move(text)) : std::nullopt;
}

bool is_part_of_address(char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == '.' || c == ':';
}

// Runs of what addresses are made of, so that 10.0.0.1 is not found in 10.0.0.10.
template <typename Function>
void for_each_word(std::string_view line, Function function) {
    for (std::size_t at = 0; at < line.size();) {
        std::size_t end = at;
        while (end < line.size() && is_part_of_address(line[end]))
            end++;
        if (end > at)
            function(line.substr(at, end - at));
        at = end + 1;
    }
}

// As /proc/net/ip_vs writes a service's address: 10.96.0.10 is 0A60000A, fd00::1 is
// [fd00:0000:0000:0000:0000:0000:0000:0001].
std::string ipvs_str(const Addr& addr) {
    const auto raw = addr.raw();
    const auto* bytes = reinterpret_cast<const unsigned char*>(&raw);
    std::string text;
    const auto add = [&](int byte, const char* digits) {
        text += digits[bytes[byte] >> 4U];
        text += digits[bytes[byte] & 15U];
    };
    for (int byte = addr.is_v4() ? 12 : 0; byte < 16; byte++) {
        if (!addr.is_v4() && byte > 0 && byte % 2 == 0)
            text += ':';
        add(byte, addr.is_v4() ? "0123456789ABCDEF" : "0123456789abcdef");
    }
    return addr.is_v4() ? text : "[" + text + "]";
}

// Rules that name an address for another reason (filters, masquerading) do not count.
bool translates(const std::string& line) {
    for (const char* word :
         {"DNAT", "dnat", "REDIRECT", "redirect to", "KUBE-SVC-", "goto service-"})
        if (line.find(word) != std::string::npos)
            return true;
    return false;
}

bool is_ipvs_service(const std::string& line) {
    return line.starts_with("TCP  ") || line.starts_with("UDP  ");
}

}  // namespace

Result<std::string> read_nat_rules() {
    std::string rules;
    bool any = false;
    for (const auto* program : kPrograms)
        if (const auto text = output_of(program)) {
            rules += *text;
            any = true;
        }
    std::ifstream ipvs(kIpvs);
    rules.append(std::istreambuf_iterator<char>(ipvs), {});
    if (!any)
        return fail(
            "neither nft nor iptables-save is installed, or they refuse: install nftables "
            "and run this as root");
    return rules;
}

std::vector<std::string> redirectors_in(const std::string& rules) {
    std::set<std::string> found;
    for (const auto& sign : kSigns)
        if (rules.find(sign.text) != std::string::npos)
            found.insert(sign.owner);
    return {found.begin(), found.end()};
}

std::vector<Addr> translated_in(const std::string& rules, const std::vector<Addr>& addresses) {
    std::unordered_map<std::string, Addr> in_rules, in_ipvs;
    for (const auto& address : addresses) {
        in_rules.emplace(address.str(), address);
        in_ipvs.emplace(ipvs_str(address), address);
    }
    std::set<Addr> found;
    std::istringstream lines(rules);
    for (std::string line; std::getline(lines, line);) {
        if (is_ipvs_service(line)) {
            const auto service = line.substr(5, line.rfind(':') - 5);
            if (const auto known = in_ipvs.find(service); known != in_ipvs.end())
                found.insert(known->second);
        } else if (translates(line)) {
            for_each_word(line, [&](std::string_view word) {
                if (const auto known = in_rules.find(std::string(word)); known != in_rules.end())
                    found.insert(known->second);
            });
        }
    }
    return {found.begin(), found.end()};
}

}  // namespace weir
