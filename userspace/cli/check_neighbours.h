// SPDX-License-Identifier: Apache-2.0
// The part of `weir check` that names others at work on the same connections. Only says; that they
// are there is no error.
#pragma once

#include "userspace/cli/commands.h"
#include "userspace/cli/render.h"
#include "userspace/source/source.h"

namespace weir {

CheckGroup check_neighbours(const CliOptions& options, const Reading& mesh);

}  // namespace weir
