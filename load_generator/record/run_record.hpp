// A Run is everything that one load run saw: each call, each instance's state over time, each transition, and what the
// upstream itself says it received. The engine fills it; measures, report and run file only read it.
// Times are offsets from the start of the load, so that two runs can be laid side by side.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace load {

using Offset = std::chrono::microseconds;  // since the start of the load

// What became of a call, from the caller's seat. unreachable: the instance itself gave no answer that makes sense.
enum class CallStatus { success, failure, exception, blocked, unreachable };
constexpr std::array<CallStatus, 5> all_call_statuses{CallStatus::success, CallStatus::failure, CallStatus::exception,
                                                      CallStatus::blocked, CallStatus::unreachable};

enum class State { closed, open, half_open, unknown };  // unknown: /status gave no answer that makes sense
constexpr std::array<State, 4> all_states{State::closed, State::open, State::half_open, State::unknown};

std::string_view to_text(CallStatus status);
std::string_view to_text(State state);
std::optional<CallStatus> call_status_from(std::string_view text);
State state_from(std::string_view text);
char letter(State state);  // C O H ?

// Requests that a call of this status has cost the upstream where nobody says otherwise.
uint64_t usual_upstream_calls(CallStatus status);

double to_ms(Offset offset);

std::string instance_name(size_t index);  // Instance-A for 0

struct Target {
  std::string name;        // as /status gives it; of several targets none has another's
  std::string url;         // http://127.0.0.1:8001
  std::string own_name{};  // as /status gives it where another target has that name already; else empty

  const std::string& caller() const { return own_name.empty() ? name : own_name; }  // as the upstream's ledger has it
};

// `name` for that target, or the like where another has it.
std::string unique_name(const std::vector<Target>& targets, size_t target, const std::string& name);

// What an operator puts into force at an instance's breaker; the instance judges it.
struct ManualOverride {
  std::string mode;  // metrics_only
  std::string actor;
  std::string reason;
};

struct Call {
  size_t target = 0;
  Offset intended{0};  // when it was due, and where its latency starts
  Offset latency{0};
  Offset sent_late{0};  // how long after that it really went out
  CallStatus status = CallStatus::unreachable;
  uint64_t generation = 0;  // the stay that admitted it
  bool probe = false;
  bool refused_by_bulkhead = false;  // blocked, but not by a breaker
  bool late = false;                 // its result came after that stay was over, and was dropped
  uint64_t upstream_calls = 0;       // requests that may have reached the upstream: more than one with retries
};

// What an instance says of its breaker. From and to may be the same: an operator forced what it was already. `local`:
// of the breaker that stands in for the shared one while Redis is away.
struct Transition {
  size_t target = 0;  // the instance that reported it
  uint64_t generation = 0;
  State from = State::unknown;
  State to = State::unknown;
  std::string cause;
  Offset at{0};
  bool local = false;
};

struct Sample {
  Offset at{0};
  State state = State::unknown;
  bool local = false;  // the instance goes by a breaker of its own, for want of Redis
};

struct LedgerEntry {
  uint64_t received = 0;
  uint64_t success = 0;
  uint64_t failure = 0;
  uint64_t hang = 0;
  uint64_t drop = 0;
};
using Ledger = std::map<std::string, LedgerEntry>;  // by caller

struct Run {
  std::vector<Target> targets;
  double target_rate = 0;  // calls per second
  Offset length{0};        // from the start to the end of the last call
  Offset last_send{0};     // when the last call really went out
  bool interrupted = false;
  bool shared_breaker = false;  // one breaker for all targets
  std::vector<Call> calls;
  std::vector<Transition> transitions;
  std::vector<std::optional<uint64_t>> would_have_tripped;  // by target, as reported last; nothing: it does not say
  std::vector<std::vector<Sample>> samples;                 // by target, in order of time
  std::optional<Ledger> ledger;                             // nothing: the upstream could not be asked
  std::optional<size_t> cut_off;                            // the target whose network was broken on purpose
  Offset recovery_timeout{0};                               // 0: not known
  std::optional<Offset> redis_back_at;                      // when the last fault of Redis was over
  std::optional<uint64_t> redis_scripts;                    // run for the instances; nothing: nobody could count them
};

}  // namespace load
