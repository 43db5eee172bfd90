#include "redis_breaker/benchmark/figure_fleet.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <thread>
#include <vector>

namespace cb {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;
constexpr auto between_polls = 20us;

int run_in_child(const std::function<void(int)>& work, int number) {
  try {
    work(number);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "instance %d: %s\n", number, error.what());
    return 1;
  }
}

pid_t start_child(const std::function<void(int)>& work, int number) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_TIMERSLACK, 1);  // short sleeps must stay short
  if (getppid() != parent) _exit(1);
  _exit(run_in_child(work, number));
}

}  // namespace

Policy windowed_policy() {
  return {.failure_rate_threshold = 0.5, .slow_call_rate_threshold = 0.5, .slow_call_duration_threshold = 500ms};
}

Policy never_tripping_policy() { return {.failure_threshold = 1'000'000}; }

int64_t nanoseconds_now() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double seconds_since(int64_t nanoseconds) { return static_cast<double>(nanoseconds_now() - nanoseconds) / 1e9; }

void call_for(Breaker& breaker, std::chrono::milliseconds time, const Load& load) {
  const auto end = std::chrono::steady_clock::now() + time;
  for (int i = 1; std::chrono::steady_clock::now() < end; ++i) {
    const bool fails = load.of_which_one_fails > 0 && i % load.of_which_one_fails == 0;
    call(breaker, fails ? Outcome::failure : Outcome::success);
    if (load.pause > 0us) std::this_thread::sleep_for(load.pause);
  }
}

void wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("the fleet did not reach the expected state in time");
    std::this_thread::sleep_for(between_polls);
  }
}

void wait_for_pushes(FallbackBreaker& breaker) {
  wait_until([&breaker] { return call(breaker, Outcome::ignored) && breaker.view().is_fresh(); });
}

void reset(ManagedBreaker& breaker) {
  const std::string error = breaker.apply_override({Mode::reset, "benchmark", ""}, 0ms);
  if (!error.empty()) throw std::runtime_error(error);
}

void Gate::pass(int workers) {
  const int round = arrived++ / workers;
  wait_until([&] { return arrived >= (round + 1) * workers; });
}

void in_processes(int count, const std::function<void(int)>& work) {
  std::vector<pid_t> children;
  for (int number = 0; number < count; ++number) children.push_back(start_child(work, number));
  bool well = true;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    well = well && status == 0;
  }
  if (!well) throw std::runtime_error("an instance failed");
}

}  // namespace cb
