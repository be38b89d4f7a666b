// SPDX-License-Identifier: Apache-2.0
#include "maps/grace.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace weir {
namespace {

// Signals do not cut it short.
void sleep_whole_second() {
    timespec end{};
    ::clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec++;
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, nullptr) != 0) {
    }
}

}  // namespace

void wait_for_grace_period() {
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
        sleep_whole_second();
}

}  // namespace weir
