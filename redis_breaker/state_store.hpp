// A StateStore keeps the snapshots of breakers for many processes, and applies events to them: in order, atomically, by
// the store's own clock. A ChangeFeed announces what other processes change there. A store without one is polled.
// Every operation ends within the store's own time-out. What fails is a value; nothing throws.
// Thread-safe: every method of a store; a feed belongs to one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "simple_breaker/clock.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"
#include "simple_breaker/state_machine.hpp"

namespace cb {

// The server that answered. One that was restarted or replaced has another `run`: it may lack what its predecessor had.
struct Origin {
  size_t node = 0;   // the first is 0; a store with one node has no other
  uint64_t run = 0;  // identifies the server's process; 0: unknown
};

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
  Origin origin{};
  TimePoint verified_at{};  // when the address was last seen to lead there; at the latest, when the request began
};

// Everything except the counters. An instance reports all dates by its own clock.
void show(const Answer& answer, const Policy& policy, DetailedStatus& status);

struct StoreTrouble {
  std::string what;
};

using StoreResult = std::variant<Answer, StoreTrouble>;

// A transition, or the end of a probe that caused none, as the store announces it to all instances.
struct News {
  State state = State::closed;
  uint64_t generation = 0;
  uint64_t epoch = 0;
  int failures = 0;
  std::chrono::microseconds wait{0};  // until a call may be admitted
  bool is_overridden = false;
  TimePoint now{};  // the store's time
};

// A part of a breaker that was written, by another program or with what a call of the fleet has changed.
struct WrittenKey {
  std::string breaker;  // its name; empty: none
  std::string key;      // "state" or "failures"
};

struct Changes {
  std::vector<std::pair<std::string, News>> news{};  // and the breaker's name
  std::vector<WrittenKey> written{};
  bool anything = false;                     // may have been changed: every breaker has to be fetched again
  std::optional<SteadyTime> confirmed_at{};  // by coarse_steady_time(): all changes up to then have been taken
};

// Announces what is changed in one node, from its creation until it breaks. It then stays broken.
class ChangeFeed {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  virtual ~ChangeFeed() = default;

  virtual std::string error() const = 0;                      // empty: it works
  virtual bool is_refused() const { return false; }           // the node is up, but does not allow it: soon is too soon
  virtual std::vector<std::string> warnings() { return {}; }  // what an operator should know, when it is first used

  // Of the node's server, as in Origin. An answer from another one shows that the feed announces another's changes.
  virtual uint64_t run() const { return 0; }

  // take() is called when `fd` is readable, at `due`, and at other times: it does not wait.
  virtual int fd() const { return -1; }  // -1: none
  virtual SteadyTime due() const { return SteadyTime::max(); }
  virtual Changes take() = 0;

  // Does it still announce what is written to the breakers? Called every 750 ms, as views may be used for a second
  // without. In time, take() returns confirmed_at, not before the call, or the feed breaks.
  struct Check {
    bool is_reachable = true;              // false: nothing will be confirmed
    std::optional<uint64_t> generation{};  // of `breaker`, where requests find it now; nothing: not looked for
  };
  virtual Check check(const std::string& breaker) = 0;
};

// "redis", as in the status; and "Redis", as in a sentence.
struct StoreName {
  std::string id;
  std::string title;
};

class StateStore {
 public:
  virtual ~StateStore() = default;

  virtual StoreName name() const = 0;

  enum class Writes { if_changed, always };  // always: proves that the store accepts writes

  // `breaker` must be a valid name. No events: only what is stored.
  virtual StoreResult apply(const std::string& breaker, const LastKnown& known, const std::vector<Event>& events,
                            Writes writes = Writes::if_changed) = 0;

  // Of the breakers of these services, and of their tenants. Nothing: it announces no changes and is polled.
  virtual std::unique_ptr<ChangeFeed> watch(size_t /*node*/, const std::vector<std::string>& /*services*/) {
    return nullptr;
  }

  // How often each instance asks for each breaker, give or take a fifth. With a feed this is a safety net. Without one,
  // it is what keeps a view fresh: a change is noticed after this time and that of a request. It must then be under
  // 800 ms, as a view is used for a second: otherwise calls have to ask. Each time at most 10 breakers are asked for,
  // so that many of them have to wait for their turn.
  virtual std::chrono::milliseconds between_polls() const { return std::chrono::seconds(5); }
};

}  // namespace cb
