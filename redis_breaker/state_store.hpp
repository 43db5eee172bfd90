// A StateStore keeps the snapshots of breakers for many processes, and applies events to them: in order, atomically, by
// the store's own clock. What fails is a value; nothing throws. Thread-safe: every method.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "redis_breaker/redis/connection.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"
#include "simple_breaker/state_machine.hpp"

namespace cb {

// How many keys a server has evicted since it started, and how often it was flushed.
struct Removals {
  uint64_t evicted = 0;
  uint64_t flushes = 0;
};

// What the caller knows of the breaker: sent with every request, so that the store can detect a loss of state and keep
// generations rising.
struct LastKnown {
  uint64_t generation = 0;
  State state = State::closed;
  uint64_t epoch = 0;  // the generation that was created without a predecessor: all later ones continue it
  uint64_t run = 0;    // identifies the server process that reported it
  std::chrono::microseconds open_for{0};  // for how much longer it is open

  // Sent only if the store asks for it, because something is gone.
  TimePoint at{};       // the store's time of the last answer
  Removals removals{};  // by that server, until then or shortly before
  int failures = 0;
  Override active_override{};
  std::chrono::microseconds override_for{0};  // for how much longer; 0: until further notice
  bool is_count_due = false;                  // the removals should be counted again
};

// A breaker as its store has it, after the events; and a reply to each of them.
struct Answer {
  std::vector<Reply> replies{};
  TimePoint now{};  // the store's time
  State state = State::closed;
  uint64_t generation = 0;
  uint64_t epoch = 0;
  int failures = 0;
  std::chrono::microseconds wait{0};  // until a call may be admitted; 0: now
  Override active_override{};
  std::optional<TimePoint> override_until{};
  CallCounts recent{};
  std::optional<Removals> removals{};  // nothing: not counted this time
  bool forgotten = false;              // the server had removed keys by itself; they were restored
  std::string other_settings{};        // the fingerprint of another instance's settings, if they differ from this one's
  redis::Origin origin{};
  TimePoint verified_at{};  // when the address was last seen to lead there
};

// Everything except the counters. An instance reports all dates by its own clock.
void show(const Answer& answer, const Policy& policy, DetailedStatus& status);

struct StoreTrouble {
  std::string what;
};

using StoreResult = std::variant<Answer, StoreTrouble>;

class StateStore {
 public:
  virtual ~StateStore() = default;

  enum class Writes { if_changed, always };  // always: proves that the store accepts writes

  // `breaker` must be a valid name. No events: only what is stored.
  virtual StoreResult apply(const std::string& breaker, const LastKnown& known, const std::vector<Event>& events,
                            Writes writes = Writes::if_changed) = 0;
};

}  // namespace cb
