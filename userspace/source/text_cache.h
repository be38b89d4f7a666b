// SPDX-License-Identifier: Apache-2.0
// The texts of files as they were read last. A file is not read again as long as its times, size
// and inode say that it is the same; one that changed a moment ago may change again without a
// trace (file times are coarse), and is read each time.
#pragma once

#include <sys/stat.h>

#include <map>
#include <string>

#include "maps/result.h"
#include "userspace/model/mesh_text.h"

namespace weir {

class TextCache {
  public:
    Result<FileText> read(const std::string& path);
    // Between two calls: files that were not asked for are forgotten.
    void begin();
    void end();

  private:
    struct Known {
        struct stat at{};
        FileText text;
        bool settled = false, asked = false;
    };
    std::map<std::string, Known> files_;
};

}  // namespace weir
