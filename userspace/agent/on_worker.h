// SPDX-License-Identifier: Apache-2.0
// How the agent's loop has its worker do what takes long.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

namespace weir {

// Runs `function` on the worker; the loop goes on meanwhile.
template <typename Function>
boost::asio::awaitable<std::invoke_result_t<Function>> on_worker(boost::asio::thread_pool& worker,
                                                                 Function function) {
    co_return co_await boost::asio::co_spawn(
        worker,
        [](Function f) -> boost::asio::awaitable<std::invoke_result_t<Function>> {
            co_return f();
        }(std::move(function)),
        boost::asio::use_awaitable);
}

}  // namespace weir
