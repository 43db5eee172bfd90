// The vocabulary of all three stages. A Breaker stands in front of one upstream: acquire() says whether a call may
// proceed, and settling the Permit records how the call ended.
// Thread-safe: every method of a Breaker. A Permit belongs to one thread at a time.
// Invariants: a generation never repeats; a permit is settled exactly once, at the latest by its destructor, as
// `ignored`; the breaker outlives its permits.
// Source: Nygard, Release It!, ch. 5; generations after sony/gobreaker.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace cb {

enum class State { closed, open, half_open };
enum class Outcome { success, failure, ignored };  // ignored: says nothing about the upstream's health

std::string_view to_text(State state);
std::string_view to_text(Outcome outcome);
std::optional<State> state_from(std::string_view text);

// Microseconds since 1970. Every point in time in the lab's protocol is one of these.
using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;

// The generation that granted a permit: each change of state begins a new one, so that results of older generations
// are recognized. probe 0: an ordinary call; otherwise the number of the probe within its generation.
struct PermitId {
  uint64_t generation = 0;
  uint64_t probe = 0;
  bool operator==(const PermitId&) const = default;
};

// The call must not proceed. retry_after: how long until a call may be admitted; rounded up, at least 1 ms.
struct Rejection {
  State state = State::open;
  std::chrono::milliseconds retry_after{1};
  bool operator==(const Rejection&) const = default;
};

// What settling did. late: an older generation granted the permit, or its lease ran out; its outcome was dropped.
struct Settled {
  State state = State::closed;
  bool late = false;
};

// `cause` is for people: "3 consecutive failures".
struct Transition {
  State from = State::closed;
  State to = State::closed;
  uint64_t generation = 0;  // the one that begins
  std::string cause;
  TimePoint at;
  bool operator==(const Transition&) const = default;
};

// A breaker at one moment.
struct Status {
  State state = State::closed;
  uint64_t generation = 0;
  int failures = 0;                          // in a row
  std::chrono::milliseconds retry_after{0};  // 0: a call would be admitted

  // For gauges: half-open as soon as the break is over, although the state itself changes with the next call.
  State state_for_next_call() const {
    return state == State::open && retry_after.count() == 0 ? State::half_open : state;
  }
};

// For people. cause: of the transition to the present state; empty: there was none, or another process made it.
struct BreakerDescription {
  std::string name;
  std::string cause;
};

class Breaker;

// Permission to make one call. Move-only.
class [[nodiscard]] Permit {
 public:
  // The breaker gets `started` back when the permit is settled, to measure how long the call took.
  Permit(Breaker& breaker, PermitId id, TimePoint started = {}) : breaker_(&breaker), id_(id), started_(started) {}
  Permit(Permit&& other) noexcept
      : breaker_(other.breaker_), id_(other.id_), started_(std::exchange(other.started_, settled)) {}
  Permit& operator=(Permit&&) = delete;
  ~Permit();

  Settled settle(Outcome outcome);  // once; a second call only answers the breaker's present state
  PermitId id() const { return id_; }
  bool is_probe() const { return id_.probe != 0; }

 private:
  static constexpr TimePoint settled = TimePoint::max();  // or moved from: a separate flag costs a call a tenth more
  Settled present_state() const;

  Breaker* breaker_;
  PermitId id_;
  TimePoint started_;
};

// A type, not an alias: the compiler then warns of every call of acquire() whose answer is dropped.
struct [[nodiscard]] Admission : std::variant<Permit, Rejection> {
  using variant::variant;
};

class Breaker {
 public:
  virtual ~Breaker() = default;
  virtual Admission acquire() = 0;
  virtual Status status() = 0;
  virtual BreakerDescription describe() const { return {}; }  // asks no store

 private:
  friend class Permit;
  virtual Settled settle(const PermitId& id, TimePoint started, Outcome outcome) = 0;
};

inline Settled Permit::settle(Outcome outcome) {
  const TimePoint started = std::exchange(started_, settled);
  if (started == settled) [[unlikely]]
    return present_state();
  return breaker_->settle(id_, started, outcome);
}

inline Permit::~Permit() {
  if (started_ != settled) settle(Outcome::ignored);
}

}  // namespace cb
