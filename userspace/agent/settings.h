// SPDX-License-Identifier: Apache-2.0
// Every setting of this node, once: its key in agent.yaml, its flag, where its value came from. A
// flag beats its environment variable, which beats the file, which beats the default. Knows no
// command line parser: flags.h binds it to one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "userspace/agent/options.h"
#include "userspace/model/origin.h"
#include "userspace/model/share.h"

namespace weir {

struct Rows {  // of a table, or of what is none
    std::uint32_t* count;
    std::uint32_t most;
    const char* tables;  // by name, with blanks between
    std::uint32_t least = 1;
};
struct Length {  // of time
    std::uint64_t* ns;
};

struct Share {  // one of so many; 0 = none
    std::uint32_t* every;
};

struct Setting {
    const char* key;   // in agent.yaml; "tables.edges" is `edges` of the mapping `tables`
    const char* flag;  // "" = only in the file
    const char* environment;
    const char* help;
    std::variant<std::string*, Rows, Length, Share, Mode*, std::vector<std::string>*> value;
    std::string origin = "default";

    std::string value_str() const;
};

class Settings {
  public:
    explicit Settings(AgentOptions& options);
    Settings(const Settings&) = delete;
    Settings& operator=(const Settings&) = delete;

    std::vector<Setting>& all() { return all_; }
    const std::vector<Setting>& all() const { return all_; }

    // Takes what the file says for settings that are still at their default. A file that is not
    // there is an error only when it was named.
    void read_file(const std::string& path, bool named, Diagnostics& found);

  private:
    std::vector<Setting> all_;
};

inline constexpr const char* kAgentFile = "/etc/weir/agent.yaml";

}  // namespace weir
