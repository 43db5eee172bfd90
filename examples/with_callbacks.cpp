// A breaker around an asynchronous operation, with callbacks: two calls fail, one is cancelled, one is rejected.
#include "with_callbacks.hpp"

#include <functional>
#include <iostream>

namespace {

using namespace std::chrono_literals;

class Caller {
 public:
  Caller(asio::io_context& context, cb::Breaker& breaker) : context_(context), breaker_(breaker) {}

  // Connects to a port where no server listens.
  void connect(std::function<void()> then) {
    const asio::ip::tcp::endpoint nowhere(asio::ip::address_v4::loopback(), 1);
    const auto start = [this, nowhere](auto handler) { socket_.async_connect(nowhere, std::move(handler)); };
    async_protect(breaker_, start, [this, then = std::move(then)](auto rejection, std::error_code error) {
      socket_ = asio::ip::tcp::socket(context_);
      report(rejection, error);
      then();
    });
  }

  void hang() {
    const auto start = [this](auto handler) { timer_.async_wait(std::move(handler)); };
    async_protect(breaker_, start, report);
  }

  void cancel_hanging() { timer_.cancel(); }

 private:
  static void report(const std::optional<cb::Rejection>& rejection, const std::error_code& error) {
    std::cout << (rejected(rejection) ? "rejected" : error.message()) << '\n';
  }
  static bool rejected(const std::optional<cb::Rejection>& rejection) { return rejection.has_value(); }

  asio::io_context& context_;
  cb::Breaker& breaker_;
  asio::ip::tcp::socket socket_{context_};
  asio::steady_timer timer_{context_, 1h};
};

}  // namespace

int main() {
  cb::CircuitBreaker breaker({.failure_threshold = 2});  // outlives all operations
  asio::io_context context;
  Caller caller(context, breaker);
  caller.hang();
  caller.connect([&caller] {
    caller.cancel_hanging();
    caller.connect([&caller] { caller.connect([] {}); });
  });
  context.run();
}
