// Probes without an answer, in virtual time: how many are in flight, how breaks grow, and how the circuit closes again.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "simple_breaker/state_machine.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

// Callers that ask again and again, and an upstream whose answers to all of them take equally long.
class Scenario {
 public:
  explicit Scenario(const Policy& policy) : policy_(policy) {
    apply(snapshot_, policy_, Settle{apply(snapshot_, policy_, Acquire{}, now_).permit, {Outcome::failure}}, now_);
  }

  void run(std::chrono::milliseconds time, std::chrono::milliseconds call_takes, Outcome outcome) {
    for (const TimePoint end = now_ + time; now_ < end; now_ += 1ms) {
      answer(outcome);
      for (int caller = 0; caller < 20; ++caller) ask(call_takes);
    }
  }

  State state() const { return snapshot_.state; }
  int probes = 0;
  int most_per_break = 0;  // probes granted between two breaks
  std::vector<std::string> causes;

 private:
  struct Call {
    PermitId permit;
    TimePoint ends;
  };

  void ask(std::chrono::milliseconds takes) {
    const Reply reply = apply(snapshot_, policy_, Acquire{}, now_);
    note(reply.transitions);
    if (reply.permit.probe == 0) return;
    calls_.push_back({reply.permit, now_ + takes});
    ++probes;
    most_per_break = std::max(most_per_break, ++since_break_);
  }

  void answer(Outcome outcome) {
    for (const Call& call : calls_) {
      if (call.ends == now_) note(apply(snapshot_, policy_, Settle{call.permit, {outcome}}, now_).transitions);
    }
    std::erase_if(calls_, [this](const Call& call) { return call.ends == now_; });
  }

  void note(const Transitions& transitions) {
    for (const Transition& each : transitions) {
      causes.push_back(each.cause);
      if (each.to == State::open) since_break_ = 0;
    }
  }

  const Policy policy_;
  TimePoint now_{1000s};
  Snapshot snapshot_ = closed_snapshot(now_);
  std::vector<Call> calls_;
  int since_break_ = 0;
};

Policy with(int permitted, int successes) {
  return {.failure_threshold = 1,
          .recovery_timeout = 200ms,
          .recovery_timeout_multiplier = 2,
          .recovery_timeout_maximum = 2s,
          .permitted_calls_in_half_open = permitted,
          .success_threshold = successes,
          .probe_timeout = 50ms};
}

}  // namespace

TEST_CASE("a hung upstream gets no more probes per break than are permitted, and the breaks grow") {
  for (const int permitted : {1, 3}) {
    CAPTURE(permitted);
    Scenario scenario(with(permitted, 1));
    scenario.run(6s, 1s, Outcome::failure);
    CHECK(scenario.most_per_break == permitted);
    CHECK(scenario.probes <= 5 * permitted);  // after 200, 400, 800, 1600 and 2000 ms; 113 when slots were given back
    CHECK(scenario.state() == State::open);
  }
}

TEST_CASE("a circuit whose healthy calls take longer than probe_timeout closes again") {
  for (const int permitted : {1, 3}) {
    for (const int successes : {1, 3}) {
      CAPTURE(permitted);
      CAPTURE(successes);
      Scenario scenario(with(permitted, successes));
      scenario.run(4s, 120ms, Outcome::success);
      CHECK(scenario.state() == State::closed);
      CHECK(scenario.causes.back() == "a probe succeeded after its timeout");
      CHECK(scenario.most_per_break <= permitted);
    }
  }
}

TEST_CASE("half_open_timeout opens a circuit that only ignored outcomes keep half-open") {
  for (const int permitted : {1, 3}) {
    CAPTURE(permitted);
    Policy policy = with(permitted, 1);
    policy.probe_timeout = 1h;
    Scenario for_good(policy);
    for_good.run(10s, 2ms, Outcome::ignored);
    CHECK(for_good.state() == State::half_open);
    policy.half_open_timeout = 100ms;
    Scenario limited(policy);
    limited.run(10s, 2ms, Outcome::ignored);
    CHECK(std::count(limited.causes.begin(), limited.causes.end(), "half-open timeout over") >= 10 / 2.1 - 1);
    limited.run(3s, 2ms, Outcome::success);
    CHECK(limited.state() == State::closed);
  }
}

TEST_CASE("half_open_timeout shorter than a probe does not keep the circuit from closing") {
  Policy policy = with(1, 2);
  policy.probe_timeout = 1s;
  policy.half_open_timeout = 100ms;
  Scenario scenario(policy);
  scenario.run(4s, 300ms, Outcome::success);
  CHECK(scenario.state() == State::closed);
}
