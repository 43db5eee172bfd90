// Three processes that share one breaker through Redis: a failure that one of them sees counts for all of them.
// Usage: shared_through_redis [URL of Redis]
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <circuit_breaker/redis.hpp>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <variant>

namespace {

using namespace std::chrono_literals;

// Calls a service that is down until the breaker rejects; returns how many calls the service got.
int calls_until_rejected(const std::string& url, const std::string& instance) {
  cb::redis::Client redis(cb::redis::parse_url(url), 1s);
  const auto group = cb::redis_group(redis, {.failure_threshold = 6, .recovery_timeout = 5s}, {}, instance);
  cb::FallbackBreaker breaker(group, {"example_prices"});
  for (int calls = 0;; ++calls) {
    const auto answer = cb::execute(
        breaker, [] { return 503; }, [](int) { return cb::Outcome::failure; });
    if (std::holds_alternative<cb::Rejection>(answer)) return calls;
    std::this_thread::sleep_for(20ms);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379/0";
  std::array<pid_t, 3> children{};
  for (size_t i = 0; i < children.size(); ++i) {
    children[i] = fork();  // before there is any thread
    if (children[i] == 0) _exit(calls_until_rejected(url, "process " + std::to_string(i)));
  }
  int calls = 0;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    calls += WEXITSTATUS(status);
  }
  std::cout << "the service got " << calls << " calls from three processes until all stopped\n";
  return calls <= 8 ? 0 : 1;  // the threshold, and two that were under way; again within 5 s: none
}
