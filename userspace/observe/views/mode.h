// SPDX-License-Identifier: Apache-2.0
// Which mode holds for connects to a service port now: as the kernel decides it, switches by hand
// included.
#pragma once

#include <cstdint>
#include <optional>

#include "maps/tables.h"
#include "userspace/model/snapshot.h"

namespace weir {

// `row`: of the service port; nullopt: the kernel has none. `service`, `workload`: what the mesh
// says of them; kSteer where a caller is not meant.
Mode mode_in_force(const Tables& tables, std::optional<std::uint32_t> row, Mode service,
                   Mode workload = Mode::kSteer);

}  // namespace weir
