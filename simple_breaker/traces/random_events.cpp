#include "simple_breaker/traces/random_events.hpp"

#include <algorithm>

namespace cb {
namespace {

using namespace std::chrono_literals;

Snapshot by_number(Snapshot snapshot) {
  std::sort(snapshot.probes.begin(), snapshot.probes.end(), [](auto& a, auto& b) { return a.probe < b.probe; });
  return snapshot;
}

}  // namespace

RandomEvents::RandomEvents(unsigned seed)
    : dice_(seed),
      now_(1'000'000s + std::chrono::microseconds(dice_() % 1'000'000)),  // another jitter for each seed
      policy_(random_policy()),
      mostly_(dice_() % 7) {}

std::string RandomEvents::step(Table& one, Table& other) {
  now_ += pick({0us, 0us, 0us, 1us, 500us, 1000us, 1999us, 2000us, 5000us});
  if (dice_() % 50 == 0) now_ -= pick({1us, 2000us, 5000us, 30'000us, 1h});  // the clock is set back
  const Event event = random_event();
  const Reply reply = one.apply(event, now_);
  if (!(reply == other.apply(event, now_))) return "another reply";
  note(reply);
  return by_number(one.snapshot()) == by_number(other.snapshot()) ? "" : "another snapshot";
}

void RandomEvents::note(const Reply& reply) {
  if (reply.kind == Reply::Kind::admitted) permits_.push_back(reply.permit);
  for (const Transition& transition : reply.transitions) ++causes_[transition.cause];
  would_have_tripped_ += reply.would_have_tripped ? 1 : 0;
}

int RandomEvents::number(int least, int most) {
  return least + static_cast<int>(dice_() % static_cast<unsigned>(most - least + 1));
}

std::chrono::microseconds RandomEvents::pick(const std::vector<std::chrono::microseconds>& from) {
  return from[dice_() % from.size()];
}

Policy RandomEvents::random_policy() {
  Policy policy{.failure_threshold = number(1, 4),
                .recovery_timeout = time(1, 5),
                .permitted_calls_in_half_open = number(1, 3),
                .success_threshold = number(1, 3),
                .probe_timeout = time(1, 4),
                .half_open_timeout = sometimes() ? time(1, 10) : 0ms};
  if (sometimes()) {
    policy.failure_rate_threshold = number(1, 10) / 10.0;
    policy.failure_threshold = number(0, 20);
  }
  if (sometimes()) policy.slow_call_duration_threshold = policy.probe_timeout - 1ms;
  if (policy.slow_call_duration_threshold > 0ms && sometimes())
    policy.slow_call_rate_threshold = number(1, 100) / 100.0;
  policy.sliding_window_size = time(10, 40);
  policy.minimum_number_of_calls = number(1, 8);
  if (sometimes()) policy.clear_interval = time(1, 30);
  if (sometimes()) {
    policy.recovery_timeout_multiplier = 1 + number(1, 20) / 10.0;
    policy.recovery_timeout_maximum = time(0, 30);
    policy.recovery_timeout_jitter = number(0, 10) / 10.0;
  }
  return policy;
}

Event RandomEvents::random_event() {
  const unsigned event = dice_() % 40;
  if (event == 0) return random_override();
  if (event == 1) return HealthReport{sometimes() ? Health::up : Health::down};
  if (event == 2) return Tick{};
  if (permits_.empty() || event % 2 == 0) return Acquire{};
  return random_result();
}

Settle RandomEvents::random_result() {
  const size_t which = dice_() % permits_.size();
  const PermitId permit = permits_[which];
  if (permit.probe == 0 && dice_() % 16 == 0) return {permit, {Outcome::success}, sometimes() ? 3 : uint64_t{1} << 32};
  const auto outcome = static_cast<Outcome>(dice_() % 8 < mostly_ ? 1 : dice_() % 3);
  const bool is_settled_once_more = dice_() % 8 == 0;
  if (!is_settled_once_more) permits_.erase(permits_.begin() + static_cast<long>(which));
  return {permit, {outcome, pick({0us, 500us, 1000us, 2000us, 3000us})}};
}

ApplyOverride RandomEvents::random_override() {
  const auto mode = static_cast<Mode>(dice_() % 6);
  return {{mode, "tester", sometimes() ? "why not" : ""}, sometimes() ? time(1, 20) : 0ms};
}

}  // namespace cb
