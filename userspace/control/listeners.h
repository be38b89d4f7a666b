// SPDX-License-Identifier: Apache-2.0
// The agent's two ends for others: the control socket and the address of /metrics. Opened before
// anything is attached, so that an agent that cannot have them changes nothing. Serves nothing.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "maps/fd.h"
#include "maps/result.h"

namespace weir {

// A listening unix socket, mode 0660; its file goes with it.
class ControlSocket {
  public:
    // The file of a dead agent is replaced; a living one is exit 16. Makes the directory. Without
    // CAP_CHOWN the socket stays its owner's: members of the group are shut out, nobody else.
    static Result<ControlSocket> listen(const std::string& path, std::optional<gid_t> group);
    ControlSocket() = default;
    ControlSocket(ControlSocket&& other) noexcept;
    ControlSocket& operator=(ControlSocket&& other) noexcept;
    ~ControlSocket();

    int fd() const { return fd_.get(); }

  private:
    std::string path_;  // "" = nothing to remove
    Fd fd_;
};

// `address`: "127.0.0.1:15090" or "[::1]:15090".
Result<Fd> listen_metrics(const std::string& address);

}  // namespace weir
