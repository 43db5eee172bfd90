// An Event is what a breaker tells its listener: for logs, metrics and people.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/identity.hpp"

namespace cb {

// transition: from one stay to the next, told once (in stage 3 by the one process whose call made it).
// override: a transition that a person ordered, or the end of one. would_have_tripped: metrics_only let it pass.
// rejection: a call was refused. late_result: one was dropped. slow_call: it took slow_call_duration_threshold or more.
// store_trouble: stage 3 cannot ask Redis, and goes on alone. store_joined: it can again.
enum class EventKind {
  transition,
  override,
  would_have_tripped,
  rejection,
  late_result,
  slow_call,
  store_trouble,
  store_joined
};

std::string_view to_text(EventKind kind);

// The texts belong to the breaker and are gone after the listener returns.
struct Event {
  EventKind kind = EventKind::transition;
  std::string_view name;     // unreliable_service
  std::string_view context;  // acme; empty: the breaker without a context
  State from = State::closed;
  State to = State::closed;  // where nothing changed: equal to from
  uint64_t generation = 0;
  std::string_view cause;  // for people
  TimePoint at;
  uint32_t count = 1;  // of late results that were found out together
};

// The transition that an event tells of, ordered or not; nothing for the other kinds.
std::optional<Transition> transition_of(const Event& event);

// Told on the thread that made it happen, with no lock held; an empty one is not called. It must not throw, and what it
// takes is taken from the call.
using Listener = std::function<void(const Event&)>;

// A listener for those who want to hear of transitions only.
Listener on_transition(std::function<void(const Transition&)> then);

void notify(const Listener& listener, const Identity& who, EventKind kind, const std::optional<Transition>& transition);

// Something happened in a stay, which goes on.
struct StateGeneration {
  State state = State::closed;
  uint64_t generation = 0;
};
void notify(const Listener& listener, const Identity& who, EventKind kind, StateGeneration stay, std::string_view cause,
            TimePoint at);
void notify_slow_call(const Listener& listener, const Identity& who, StateGeneration stay,
                      std::chrono::microseconds took, TimePoint at);

}  // namespace cb
