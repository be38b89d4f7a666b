// SPDX-License-Identifier: Apache-2.0
// What holds for one service, setting by setting, and where each was written: the answer of `weir
// config SERVICE`. Pure; knows nothing of switches that are thrown by hand.
#pragma once

#include <string>
#include <vector>

#include "userspace/model/snapshot.h"

namespace weir {

struct ServiceSetting {
    std::string setting;  // as the mesh file spells it
    std::string value;
    std::string origin;  // file:line:column, or "default"
};

// A mode of the node, and where it comes from: of node and service the higher one holds.
struct NodeMode {
    Mode mode = Mode::kSteer;
    std::string origin;
};

std::vector<ServiceSetting> settings_of(const Service& service, const NodeMode& node);

}  // namespace weir
