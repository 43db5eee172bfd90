// The vocabulary of all three stages. A Breaker stands in front of one upstream: acquire() says whether a call may
// proceed, and settling the Permit tells the breaker how the call went.
// Thread-safe: every method of a Breaker. A Permit belongs to one thread at a time.
// Invariants: a generation (one stay in one state) never repeats; a permit is settled exactly once, by its destructor
// as `ignored` where nobody else did it; its breaker outlives it.
// Source: Nygard, Release It!, ch. 5; generations after sony/gobreaker.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "simple_breaker/policies/override.hpp"

namespace cb {

enum class State { closed, open, half_open };
enum class Outcome { success, failure, ignored };  // ignored: says nothing about the upstream's health

// Which breaker: what it protects and, where each tenant (or host, or shard) has a breaker of its own, for whom.
struct Identity {
  std::string name;
  std::string context{};
  std::string full() const { return context.empty() ? name : name + "/" + context; }
};

// Names of breakers: 1 to 256 characters of A-Z a-z 0-9 _ - . / (they become keys, paths and labels).
// Throws std::invalid_argument that quotes any other name.
void require_valid_name(const std::string& name);
bool is_valid_name(std::string_view name);

std::string_view to_text(State state);
std::string_view to_text(Outcome outcome);

// Microseconds since 1970. Every instant in the lab's protocol is one of these.
using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;

// Which stay granted a permit. probe 0: an ordinary call; otherwise the number of the lease within the generation.
struct PermitId {
  uint64_t generation = 0;
  uint64_t probe = 0;
  bool operator==(const PermitId&) const = default;
};

// "No" to a call: in which state, and how long until a call may be admitted. Rounded up; never less than 1 ms.
struct Rejection {
  State state = State::open;
  std::chrono::milliseconds retry_after{1};
  bool operator==(const Rejection&) const = default;
};

// How a call ended. A breaker that was told how long it took can tell that it was slow.
struct CallResult {
  Outcome outcome = Outcome::ignored;
  std::chrono::microseconds took{0};
};

struct CallCounts {
  uint32_t calls = 0;
  uint32_t failures = 0;
  uint32_t slow = 0;
  bool operator==(const CallCounts&) const = default;
};

// What is known of the upstream from its health route.
enum class Health { well, ill };

// `cause` is for people: "3 consecutive failures".
struct Transition {
  State from = State::closed;
  State to = State::closed;
  uint64_t generation = 0;  // the one that begins
  std::string cause;
  TimePoint at;
  bool operator==(const Transition&) const = default;
};

// What settling did. late: the permit was from an older generation, or its lease ran out, so its outcome was dropped.
struct Settled {
  State state = State::closed;
  bool late = false;
};

// What a breaker looks like at one moment, for people and for GET /status.
struct Status {
  State state = State::closed;
  uint64_t generation = 0;
  int failures = 0;
  CallCounts recent;                         // in the sliding window, where there is one
  std::chrono::milliseconds retry_after{0};  // 0: a call would be admitted
  Override imposed;
  std::optional<TimePoint> imposed_until;
  uint64_t late_results = 0;        // dropped by this object since it was made
  uint64_t slow_calls = 0;          // seen by this object
  uint64_t would_have_tripped = 0;  // seen by this object while metrics_only
  bool alone = false;               // stage 3: open for this instance only, as it was alone with its failures
  std::string store = "memory";
  uint64_t store_errors = 0;  // stage 3: operations on the store that failed
  std::string store_error;    // stage 3: why this instance is on a local breaker of its own; empty: it is not
  uint64_t local_calls = 0;   // stage 3: calls that the local breaker decided on
  std::optional<std::chrono::milliseconds> view_age;  // stage 3: how old what it knew was, before it was asked for this
};

class Breaker;

// Leave to make one call. Move-only.
class [[nodiscard]] Permit {
 public:
  // `started`: given back to the breaker when the permit is settled, so that it can tell how long the call took.
  Permit(Breaker& breaker, PermitId id, TimePoint started = {}) : breaker_(&breaker), id_(id), started_(started) {}
  Permit(Permit&& other) noexcept
      : breaker_(std::exchange(other.breaker_, nullptr)), id_(other.id_), started_(other.started_) {}
  Permit& operator=(Permit&&) = delete;
  ~Permit();

  Settled settle(Outcome outcome);  // once; a second call does nothing
  PermitId id() const { return id_; }
  bool is_probe() const { return id_.probe != 0; }

 private:
  Breaker* breaker_;
  PermitId id_;
  TimePoint started_;
};

using Admission = std::variant<Permit, Rejection>;

class Breaker {
 public:
  virtual ~Breaker() = default;
  virtual Admission acquire() = 0;
  virtual Status status() = 0;

  // Puts a person's order into force for `lasts` (0: until further notice). `order` has no fault_in() it. Returns what
  // went wrong with the store; empty: done.
  virtual std::string impose(const Override& order, std::chrono::milliseconds lasts) = 0;

  // News of the upstream's health route, which count while the circuit is open and nobody overrides it.
  virtual void hear(Health health) = 0;

  // Its state as far as is known without asking a store.
  virtual State known_state() const = 0;
  bool is_open() const { return known_state() == State::open; }

  // Whether little would be lost if this object was destroyed and made anew: closed, or open once and then not asked
  // again for as long as its break was.
  virtual bool is_forgettable() const = 0;

 private:
  friend class Permit;
  virtual Settled settle(const PermitId& id, TimePoint started, Outcome outcome) = 0;
};

inline Settled Permit::settle(Outcome outcome) {
  Breaker* breaker = std::exchange(breaker_, nullptr);
  return breaker == nullptr ? Settled{} : breaker->settle(id_, started_, outcome);
}

inline Permit::~Permit() {
  if (breaker_ != nullptr) settle(Outcome::ignored);
}

}  // namespace cb
