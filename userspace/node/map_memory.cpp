// SPDX-License-Identifier: Apache-2.0
#include "userspace/node/map_memory.h"

#include <fstream>
#include <string>

namespace weir {

Result<std::uint64_t> map_memory(int fd) {
    const std::string path = "/proc/self/fdinfo/" + std::to_string(fd);
    std::ifstream file(path);
    std::uint64_t bytes = 0;
    for (std::string word; file >> word;)
        if (word == "memlock:" && file >> bytes)
            return bytes;
    return fail(path + " does not tell what the map costs");
}

}  // namespace weir
