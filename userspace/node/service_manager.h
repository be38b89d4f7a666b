// SPDX-License-Identifier: Apache-2.0
// What systemd is told, by the datagram protocol of sd_notify(3). Without a service manager (no
// $NOTIFY_SOCKET) nothing happens.
#pragma once

#include <string>

namespace weir {

// "READY=1\nSTATUS=…"; what cannot be delivered is lost: it must not stop the agent.
void notify_service_manager(const std::string& state);

}  // namespace weir
