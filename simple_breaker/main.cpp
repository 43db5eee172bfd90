// Stage 1: one process, one circuit breaker, one upstream that fails. Twenty attempts, one a second, show the state
// machine: closed -> open -> half_open -> closed.
#include <algorithm>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "program/command_line/options.hpp"
#include "program/stop_signal.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/demo/demo_report.hpp"
#include "simple_breaker/execute.hpp"
#include "simple_breaker/options/policy_options.hpp"
#include "unreliable_service/fault_plan.hpp"

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using unreliable::Fate;
using unreliable::FaultPlan;

namespace {

constexpr int interrupted = 130;  // the usual exit code after Ctrl-C

// The demo's clock moves only from one event to the next, not while code runs, so the output is the same to the
// microsecond with and without --fast: that option omits the waiting, and nothing else.
class DemoClock {
 public:
  DemoClock(const program::StopSignal& stop, const cb::DemoSettings& settings) : stop_(stop), fast_(settings.fast) {}

  milliseconds elapsed() const { return elapsed_; }
  cb::TimePoint now() const { return cb::TimePoint(elapsed_); }

  // False: interrupted.
  bool advance_to(milliseconds when) {
    elapsed_ = std::max(elapsed_, when);
    while (!fast_ && !stop_.requested() && steady_clock::now() < start_ + elapsed_) {
      std::this_thread::sleep_until(std::min(start_ + elapsed_, steady_clock::now() + milliseconds(20)));
    }
    return !stop_.requested();
  }

 private:
  const program::StopSignal& stop_;
  const bool fast_;
  const steady_clock::time_point start_ = steady_clock::now();
  milliseconds elapsed_{0};
};

// False: interrupted.
bool run_attempts(const cb::DemoSettings& settings, const FaultPlan& plan, DemoClock& clock, cb::DemoReport& report) {
  std::vector<cb::Transition> transitions;
  const cb::Listener listener =
      cb::on_transition([&](const cb::Transition& transition) { transitions.push_back(transition); });
  cb::CircuitBreaker breaker(settings.policy, listener, [&] { return clock.now(); });

  unreliable::Dice dice(static_cast<uint64_t>(settings.seed));
  const auto call_upstream = [&] {
    const unreliable::Fault fault = plan.fault_at(clock.elapsed());
    clock.advance_to(clock.elapsed() + fault.latency);
    return dice.roll(fault);
  };
  const auto outcome_of = [](Fate fate) { return fate == Fate::success ? cb::Outcome::success : cb::Outcome::failure; };

  for (int i = 0; i < settings.attempts; ++i) {
    if (!clock.advance_to(i * settings.interval)) return false;
    cb::Attempt attempt;
    attempt.at = clock.elapsed();
    const cb::State before = breaker.status().state;
    attempt.answer = cb::execute(breaker, call_upstream, outcome_of);
    attempt.probe = before != cb::State::closed && std::holds_alternative<Fate>(attempt.answer);
    attempt.state = breaker.status().state;
    attempt.transitions = std::exchange(transitions, {});
    report.add(attempt);
  }
  return true;
}

void add_options(program::CommandLine& app, cb::DemoSettings& settings) {
  app.group("The demo");
  app.add_option("--attempts", settings.attempts, "How many calls to attempt").range(1, 100'000);
  app.add_duration("--interval", settings.interval, "Time from one attempt to the next");
  auto rate = app.add_option("--failure-rate", settings.failure_rate, "Share of calls that fail, 0 to 1");
  app.add_option("--plan", settings.plan, "Faults by time, such as \"healthy 4s, down 10s, flaky 0.6\"")
      .type_name("PLAN")
      .excludes(rate);
  app.add_option("--seed", settings.seed, "The same seed gives the same run; default: a random seed")
      .default_text("")
      .range(int64_t{0}, std::numeric_limits<int64_t>::max());
  app.add_flag("--fast", settings.fast, "The same run without waiting");
  app.add_option("--out", settings.out, "Also write the run to this file, as JSON").type_name("FILE");
  cb::add_policy_options(app, settings.policy);
}

}  // namespace

int main(int argc, char** argv) {
  return program::run([&] {
    const program::StopSignal stop;
    program::CommandLine app{"Stage 1: a circuit breaker in one process, in front of an upstream that fails",
                             "simple_breaker"};
    cb::DemoSettings settings;
    settings.policy.recovery_timeout = std::chrono::seconds(5);  // short: a person is watching
    add_options(app, settings);
    if (const auto exit_code = app.parse(argc, argv)) return *exit_code;
    cb::require_valid(settings.policy);
    if (settings.interval == milliseconds(0)) throw std::invalid_argument("interval is 0ms; it must be 1ms or more");
    const bool planned = app.is_given("--plan");
    const FaultPlan plan = planned ? FaultPlan(settings.plan) : FaultPlan({.failure_rate = settings.failure_rate});

    cb::DemoReport report(settings);
    DemoClock clock(stop, settings);
    const bool completed = run_attempts(settings, plan, clock, report);
    report.finish();
    return completed ? 0 : interrupted;
  });
}
