// Processes of one host that share a breaker without a server: it is in shared memory. Three of them, one after
// another, call a service that is down: the failures that two of them see open the circuit for the third.
#include <sys/wait.h>
#include <unistd.h>

#include <circuit_breaker/store.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <variant>

namespace {

// Makes at most `most` calls, until the breaker rejects one.
void call(const std::string& segment, const std::string& process, int most) {
  const auto group = cb::store_group(std::make_shared<cb::ShmStore>(segment), {.failure_threshold = 3}, {}, process);
  cb::FallbackBreaker breaker(group, {"prices"});
  int failed = 0;
  for (; failed < most; ++failed) {
    const auto answer = cb::execute(
        breaker, [] { return 503; }, [](int) { return cb::Outcome::failure; });
    if (std::holds_alternative<cb::Rejection>(answer)) break;
  }
  std::cout << process << ": " << failed << " calls failed, the circuit is " << cb::to_text(breaker.status().state)
            << std::endl;
}

}  // namespace

int main() {
  const std::string segment = "example-" + std::to_string(getpid());
  int status = 0;
  for (int i = 1; i <= 3 && status == 0; ++i) {
    const pid_t child = fork();  // before there is any thread
    if (child == 0) {
      call(segment, "process " + std::to_string(i), 2);
      _exit(0);
    }
    waitpid(child, &status, 0);
  }
  std::remove(("/dev/shm/circuit_breaker." + segment).c_str());  // a service keeps it: its state outlives the processes
  return status;
}
