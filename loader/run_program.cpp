// SPDX-License-Identifier: Apache-2.0
#include "loader/run_program.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "maps/abi/base.h"

namespace weir {

Status run_program(int program, const void* request, std::uint32_t size, const std::string& what) {
    std::vector<char> packet(WEIR_REQUEST_AT + size);
    std::memcpy(packet.data() + WEIR_REQUEST_AT, request, size);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = packet.data();
    options.data_size_in = static_cast<std::uint32_t>(packet.size());
    options.repeat = 1;
    if (bpf_prog_test_run_opts(program, &options))
        return fail_errno("cannot " + what, errno);
    if (options.retval != 0)
        return fail("cannot " + what + ": the kernel program refused the request");
    return {};
}

}  // namespace weir
