// SPDX-License-Identifier: Apache-2.0
// What weir needs of the machine before it loads anything, each with a one-sentence error that
// names the thing, the cause and the remedy. Reads; changes nothing.
#pragma once

#include <string>
#include <vector>

#include "maps/result.h"

namespace weir {

struct Capability {
    int number;
    std::string name;
    std::string why;
};

// Whether this process has it now: CAP_*.
bool has_capability(int number);
// CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, as far as this process lacks them.
std::vector<Capability> missing_capabilities();

Status check_privilege();                     // exits 10 and 15
Status check_btf();                           // exit 11
Status check_bpffs(const std::string& path);  // exit 14

}  // namespace weir
