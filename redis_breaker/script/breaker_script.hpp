// A BreakerScript applies the transition table to breakers whose snapshots live in Redis: each call runs the script
// (snapshot.lua and the other five files) once, in one round trip. One object serves all breakers of a policy.
// Thread-safe: every method. Nothing throws after construction; a failed run is a value.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "redis_breaker/redis/client.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/failure_counts.hpp"
#include "simple_breaker/policies/health.hpp"
#include "simple_breaker/policies/override.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// How many keys a server has evicted since it started, and how often it was flushed.
struct Removals {
  uint64_t evicted = 0;
  uint64_t flushes = 0;
};

// Sent with every request: the newest generation that the caller knows, which lets the script detect a loss of state
// and keep generations rising, and the successes of that generation that the caller has not reported yet. What comes
// after those is sent only if the script asks for it, because something is gone.
struct LastKnown {
  uint64_t generation = 0;
  State state = State::closed;
  uint64_t epoch = 0;  // the generation that was created without a predecessor: all later ones continue it
  uint64_t run = 0;    // identifies the server process that reported it
  std::chrono::microseconds open_for{0};  // for how much longer it is open
  uint64_t successes = 0;

  TimePoint at{};       // Redis's time of the last reply
  Removals removals{};  // by that server, until then or shortly before
  int failures = 0;
  Override active_override{};
  std::chrono::microseconds override_for{0};  // for how much longer; 0: until further notice
  bool is_count_due = true;                   // the next tick should count removals again
};

struct ScriptReply {
  enum class Kind { permit, rejected, settled, late };
  Kind kind = Kind::settled;
  uint64_t probe = 0;                 // permit: the lease's number; 0 for an ordinary call
  std::chrono::microseconds wait{0};  // until a call may be admitted; 0: now
  TimePoint now{};                    // Redis's time
  State state = State::closed;
  uint64_t generation = 0;
  uint64_t epoch = 0;
  redis::Origin origin{};
  redis::SteadyTime verified_at{};  // when the address was last seen to lead there
  int failures = 0;
  uint64_t late_successes = 0;            // of the reported successes
  std::vector<Transition> transitions{};  // made by this run; only its caller can report them
  std::string would_have_tripped{};       // by this run: the cause; empty: it would not
  Override active_override{};
  std::optional<TimePoint> override_until{};
  CallCounts recent{};
  std::optional<Removals> removals{};  // nothing: not counted this time
  bool forgotten = false;              // the server had removed keys by itself; they were restored
  std::string other_settings{};        // the fingerprint of another instance's settings, if they differ from this one's
};

struct StoreTrouble {
  std::string what;
};

struct Script {
  std::string source;
  std::string sha1;
};

Script breaker_script_source();

// Redis names the line of a script in which a permission is missing, but not the command: this adds it.
std::string with_refused_command(const std::string& error, const std::string& script);

class BreakerScript {
 public:
  // `instance` names the reporter of failures, for minimum_reporting_instances. A random suffix distinguishes
  // instances of one name.
  BreakerScript(redis::Client& client, const Policy& policy, const std::string& instance,
                Script script = breaker_script_source());

  // `name` must be valid. Its public keys are cb:NAME:state, :failures and :last_failure.
  using Result = std::variant<ScriptReply, StoreTrouble>;
  Result acquire(const std::string& name, const LastKnown& last_known) const;
  Result settle(const std::string& name, const LastKnown& last_known, const PermitId& permit,
                const CallResult& result) const;
  Result tick(const std::string& name, const LastKnown& last_known) const;
  Result reconnect(const std::string& name,
                   const LastKnown& last_known) const;  // a tick that writes: proves that Redis accepts writes
  Result apply_override(const std::string& name, const LastKnown& last_known, const Override& order,
                        std::chrono::milliseconds lasts) const;
  Result report_health(const std::string& name, const LastKnown& last_known, Health health) const;

 private:
  Result run(const std::string& name, const std::string& operation, const LastKnown& last_known,
             const std::vector<std::string>& more_arguments = {}) const;
  redis::Reply evaluate(const std::string& name, const std::vector<std::string>& arguments) const;

  redis::Client& client_;
  const std::string policy_;
  const std::string instance_;
  const Script script_;
};

}  // namespace cb
