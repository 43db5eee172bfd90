// A Run records one load run: each call, each instance's state over time, each transition, and the upstream's ledger.
// The engine fills it; measures, report and run file only read it.
// Times are offsets from the start of the load, so that two runs can be compared.
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

// The outcome of a call, as its caller sees it. unreachable: the instance gave no valid answer.
enum class CallStatus { success, failure, exception, blocked, unreachable };
constexpr std::array<CallStatus, 5> all_call_statuses{CallStatus::success, CallStatus::failure, CallStatus::exception,
                                                      CallStatus::blocked, CallStatus::unreachable};

enum class State { closed, open, half_open, unknown };  // unknown: /status gave no valid answer
constexpr std::array<State, 4> all_states{State::closed, State::open, State::half_open, State::unknown};

std::string_view to_text(CallStatus status);
std::string_view to_text(State state);
std::optional<CallStatus> call_status_from(std::string_view text);
State state_from(std::string_view text);
char letter(State state);  // C O H ?

// Requests to the upstream that a call of this status has made, unless its answer gives another number.
uint64_t usual_upstream_calls(CallStatus status);

double to_ms(Offset offset);

std::string instance_name(size_t index);  // Instance-A for 0, Instance-27 for 26

struct Target {
  std::string name;        // as in /status; unique among the targets
  std::string url;         // http://127.0.0.1:8001
  std::string own_name{};  // as in /status, if another target has that name already; else empty

  const std::string& caller() const { return own_name.empty() ? name : own_name; }  // its name in the upstream's ledger
};

// `name`, or a variation of it if another target has that name.
std::string unique_name(const std::vector<Target>& targets, size_t target, const std::string& name);

// An override as an operator sends it to an instance, which checks it.
struct ManualOverride {
  std::string mode;  // metrics_only
  std::string actor;
  std::string reason;
};

struct Call {
  size_t target = 0;
  Offset intended{0};  // when it was due; its latency starts then
  Offset latency{0};
  Offset sent_late{0};  // from then until it was sent
  CallStatus status = CallStatus::unreachable;
  uint64_t generation = 0;  // that admitted it
  bool probe = false;
  bool refused_by_bulkhead = false;  // blocked, but not by a breaker
  bool late = false;                 // its result came after that generation was over, and was dropped
  uint64_t upstream_calls = 0;       // requests that may have reached the upstream: more than one with retries
  std::string error{};               // why it is unreachable
  bool may_have_arrived = true;      // false: it is unreachable, and its instance cannot have received it
};

// As an instance reports it. From and to are the same if an operator forced the state in which the breaker was already.
struct Transition {
  size_t target = 0;  // the instance that reported it
  uint64_t generation = 0;
  State from = State::unknown;
  State to = State::unknown;
  std::string cause;
  Offset at{0};
  bool local = false;  // of the local breaker, while Redis is away
};

struct Sample {
  Offset at{0};
  State state = State::unknown;
  bool local = false;  // the instance is on its local breaker, as Redis is away
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
  Offset last_send{0};     // when the last call was sent
  bool interrupted = false;
  bool shared_breaker = false;  // one breaker for all targets
  std::vector<Call> calls;
  std::array<uint64_t, all_call_statuses.size()>
      unlisted{};  // by status: calls of a fleet that is too large to list all
  std::vector<Transition> transitions;
  std::vector<std::optional<uint64_t>> would_have_tripped;  // by target, in its last report; nothing: not in it
  std::vector<std::vector<Sample>> samples;                 // by target, in order of time
  std::optional<Ledger> ledger;                             // nothing: the upstream did not answer
  std::optional<size_t> cut_off;                            // the target whose network was broken on purpose
  Offset recovery_timeout{0};                               // 0: not known
  std::optional<Offset> redis_back_at;                      // when the last fault of Redis was over
  std::optional<uint64_t> redis_scripts;                    // run for the instances; nothing: they could not be counted
};

}  // namespace load
