// SPDX-License-Identifier: Apache-2.0
// Who else translates addresses on this node: kube-proxy, IPVS, a sidecar's redirect, rules of
// somebody's own. Read from what nft, iptables-save and the kernel print; finding is pure.
#pragma once

#include <string>
#include <vector>

#include "maps/addr.h"
#include "maps/result.h"

namespace weir {

// All rules that translate addresses, of this process's network namespace, as text. Fails where
// none of the tools that print them is installed, or they refuse.
Result<std::string> read_nat_rules();

// "kube-proxy (chain KUBE-SERVICES)"; each once.
std::vector<std::string> redirectors_in(const std::string& rules);

// Which of the addresses a rule or an IPVS service translates.
std::vector<Addr> translated_in(const std::string& rules, const std::vector<Addr>& addresses);

}  // namespace weir
