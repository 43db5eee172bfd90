// The vocabulary of all three stages. A Breaker stands in front of one upstream: acquire() says whether a call may
// proceed, and settling the Permit tells the breaker how the call went.
// Thread-safe: every method of a Breaker. A Permit belongs to one thread at a time.
// Invariants: a generation (one stay in one state) never repeats; a permit is settled exactly once, by its destructor
// as `ignored` where nobody else did it; its breaker outlives it.
// Source: Nygard, Release It!, ch. 5; generations after sony/gobreaker.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace cb {

enum class State { closed, open, half_open };
enum class Outcome { success, failure, ignored };  // ignored: says nothing about the upstream's health

// Names of breakers: 1 to 256 characters of A-Z a-z 0-9 _ - . / (they become keys, paths and labels).
// Throws std::invalid_argument that quotes any other name.
void require_valid_name(const std::string& name);

std::string_view to_text(State state);
std::string_view to_text(Outcome outcome);

// Microseconds since 1970. Every instant in the lab's protocol is one of these.
using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;

// Which stay granted a permit. probe 0: an ordinary call; otherwise the number of the lease within the generation.
// generation 0: nobody granted it (the store could not be asked), so there is nothing to settle.
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
  std::chrono::milliseconds retry_after{0};  // 0: a call would be admitted
  uint64_t late_results = 0;                 // dropped by this object since it was made
  std::string store = "memory";
  uint64_t store_errors = 0;       // stage 3: operations on the store that failed
  uint64_t unprotected_calls = 0;  // stage 3: calls that went through because the store could not be asked
};

class Breaker;

// Leave to make one call. Move-only.
class [[nodiscard]] Permit {
 public:
  Permit(Breaker& breaker, PermitId id) : breaker_(&breaker), id_(id) {}
  Permit(Permit&& other) noexcept : breaker_(std::exchange(other.breaker_, nullptr)), id_(other.id_) {}
  Permit& operator=(Permit&&) = delete;
  ~Permit();

  Settled settle(Outcome outcome);  // once; a second call does nothing
  PermitId id() const { return id_; }
  bool is_probe() const { return id_.probe != 0; }

 private:
  Breaker* breaker_;
  PermitId id_;
};

using Admission = std::variant<Permit, Rejection>;

// Told of what happens, on the thread that made it happen, with no lock held. Empty ones are not called.
struct Listeners {
  std::function<void(const Transition&)> transition;
  std::function<void(const std::string&)> store_trouble;  // stage 3: what went wrong with the store
};

class Breaker {
 public:
  virtual ~Breaker() = default;
  virtual Admission acquire() = 0;
  virtual Status status() = 0;

 private:
  friend class Permit;
  virtual Settled settle(const PermitId& id, Outcome outcome) = 0;
};

inline Settled Permit::settle(Outcome outcome) {
  Breaker* breaker = std::exchange(breaker_, nullptr);
  return breaker == nullptr ? Settled{} : breaker->settle(id_, outcome);
}

inline Permit::~Permit() {
  if (breaker_ != nullptr) settle(Outcome::ignored);
}

}  // namespace cb
