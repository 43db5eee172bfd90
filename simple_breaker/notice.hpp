// A Notice is what a breaker reports to its listener: for logs, metrics and people.
// A listener gets the notices of a breaker one at a time, in the order of what happened, on a thread that caused one,
// with no lock held. It may call the breaker, destroy it and throw; a slow one delays its thread, but never a probe:
// the notices of an acquire() that admits a probe are delivered when the probe ends, if no other thread does it before.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/identity.hpp"
#include "simple_breaker/policies/sliding_window.hpp"

namespace cb {

// transition: the state changed; reported once (in stage 3 by the one process whose call caused it).
// override: a transition that a person requested, or the end of one. would_have_tripped: metrics_only let it pass.
// rejection: a call was rejected. late_result: a result was dropped. slow_call: it took slow_call_duration_threshold or
// more. store_trouble: stage 3 cannot reach Redis and uses its local breaker. store_joined: it reaches Redis again.
enum class NoticeKind {
  transition,
  override,
  would_have_tripped,
  rejection,
  late_result,
  slow_call,
  store_trouble,
  store_joined
};

std::string_view to_text(NoticeKind kind);

// The texts belong to the breaker: copy those that are needed after the listener returns.
struct Notice {
  NoticeKind kind = NoticeKind::transition;
  std::string_view name;     // unreliable_service
  std::string_view context;  // acme; empty: the breaker without a context
  State from = State::closed;
  State to = State::closed;  // equal to from if the state did not change
  uint64_t generation = 0;
  std::string_view cause;  // for people
  TimePoint at;
  uint64_t count = 1;      // how many times: late results that were discovered together, notices that waited together
  CountedCalls counted{};  // when a closed circuit opened; a shared one's by the whole fleet. All others: 0
};

// The transition of a transition or override notice; nothing for the other kinds.
std::optional<Transition> transition_of(const Notice& notice);

// An empty one is not called.
using Listener = std::function<void(const Notice&)>;

// A listener that passes on transitions only.
Listener on_transition(std::function<void(const Transition&)> then);

}  // namespace cb
