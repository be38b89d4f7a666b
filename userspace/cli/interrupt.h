// SPDX-License-Identifier: Apache-2.0
// ^C and SIGTERM as a flag, for commands that go on until they are told to end. One at a time.
#pragma once

#include <csignal>

namespace weir {

class InterruptFlag {
  public:
    InterruptFlag() {
        flag() = 0;
        std::signal(SIGINT, raise);
        std::signal(SIGTERM, raise);
    }
    explicit operator bool() const { return flag() != 0; }

  private:
    static volatile std::sig_atomic_t& flag() {
        static volatile std::sig_atomic_t raised = 0;
        return raised;
    }
    static void raise(int) { flag() = 1; }
};

}  // namespace weir
