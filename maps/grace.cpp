// SPDX-License-Identifier: Apache-2.0
#include "maps/grace.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace weir {

void wait_for_grace_period() {
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
        ::sleep(1);
}

}  // namespace weir
