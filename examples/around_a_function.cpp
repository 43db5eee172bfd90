// A breaker around a function that throws when the service behind it is down.
#include <circuit_breaker/circuit_breaker.hpp>
#include <iostream>
#include <stdexcept>
#include <string>
#include <variant>

namespace {

int price_of(const std::string& item) { throw std::runtime_error("no answer for " + item); }

}  // namespace

int main() {
  cb::CircuitBreaker prices({.failure_threshold = 3, .recovery_timeout = std::chrono::seconds(10)});
  for (int call = 1; call <= 5; ++call) {
    std::cout << "call " << call << ": ";
    try {
      const auto answer = cb::execute(prices, [] { return price_of("tea"); });
      if (const auto* price = std::get_if<int>(&answer)) std::cout << *price << '\n';
      if (const auto* rejection = std::get_if<cb::Rejection>(&answer)) {
        std::cout << "rejected, the breaker is " << cb::to_text(rejection->state) << '\n';
      }
    } catch (const std::exception& error) {
      std::cout << "failed: " << error.what() << '\n';
    }
  }
}
