// A breaker around an asynchronous operation, with coroutines: two calls fail, one is cancelled, one is rejected.
#include "with_coroutines.hpp"

#include <iostream>
#include <string>

namespace {

using namespace std::chrono_literals;

asio::awaitable<int> refused() {
  co_await asio::post(asio::use_awaitable);
  throw asio::system_error(asio::error::connection_refused);
}

asio::awaitable<int> hangs() {
  asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
  co_await timer.async_wait(asio::use_awaitable);
  co_return 200;
}

asio::awaitable<void> call(cb::Breaker& breaker, asio::awaitable<int> (*operation)()) {
  try {
    const auto answer = co_await protect(breaker, operation);
    const bool rejected = std::holds_alternative<cb::Rejection>(answer);
    std::cout << (rejected ? "rejected" : "status " + std::to_string(std::get<int>(answer))) << '\n';
  } catch (const asio::system_error& error) {
    std::cout << error.code().message() << '\n';
  }
}

}  // namespace

int main() {
  cb::CircuitBreaker breaker({.failure_threshold = 2});  // outlives all operations
  asio::io_context context;
  asio::cancellation_signal cancel;
  asio::co_spawn(context, call(breaker, hangs), asio::bind_cancellation_slot(cancel.slot(), asio::detached));
  const auto sequence = [&]() -> asio::awaitable<void> {
    co_await call(breaker, refused);
    cancel.emit(asio::cancellation_type::all);
    co_await call(breaker, refused);
    co_await call(breaker, refused);
  };
  asio::co_spawn(context, sequence, asio::detached);
  context.run();
}
