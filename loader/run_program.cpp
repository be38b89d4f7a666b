// SPDX-License-Identifier: Apache-2.0
#include "loader/run_program.h"

#include <bpf/bpf.h>

#include <cerrno>

namespace weir {

Status run_program(int program, const void* request, std::uint32_t size, const std::string& what) {
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = request;
    options.data_size_in = size;
    options.repeat = 1;
    if (bpf_prog_test_run_opts(program, &options))
        return fail_errno("cannot " + what, errno);
    if (options.retval != 0)
        return fail("cannot " + what + ": the kernel program refused the request");
    return {};
}

}  // namespace weir
