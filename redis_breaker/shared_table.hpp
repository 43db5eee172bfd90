// A SharedTable applies the transition table to the snapshot of one breaker in Redis: each call is one run of
// state_machine.lua, one round trip.
// Thread-safe: every method. Nothing here throws after construction; a failed run is a value.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "redis_breaker/redis.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// The newest stay that a caller knows of. It lets the script see that the state was lost, and keeps generations rising.
struct Seen {
  uint64_t generation = 0;
  State state = State::closed;
};

struct SharedAnswer {
  enum class Kind { permit, rejected, settled, late };
  Kind kind = Kind::settled;
  uint64_t probe = 0;                 // permit: the lease's number, 0 for an ordinary call
  std::chrono::microseconds wait{0};  // until a call may be admitted; 0: now
  TimePoint now;                      // Redis's time
  State state = State::closed;
  uint64_t generation = 0;
  int failures = 0;
  std::vector<Transition> transitions;  // made by this very run; nobody else is told of them
};

struct StoreTrouble {
  std::string what;
};

struct Script {
  std::string source;
  std::string sha1;
};

Script state_machine_script();

class SharedTable {
 public:
  // `name` has been validated. The public keys are cb:NAME:state, :failures and :last_failure.
  SharedTable(Redis& redis, const std::string& name, const Policy& policy, Script script = state_machine_script());

  using Result = std::variant<SharedAnswer, StoreTrouble>;
  Result acquire(const Seen& seen) const;
  Result settle(const Seen& seen, const PermitId& permit, Outcome outcome) const;
  Result look(const Seen& seen) const;

 private:
  Result run(const std::string& operation, const Seen& seen, const std::vector<std::string>& permit = {}) const;
  RedisReply evaluate(const std::vector<std::string>& arguments) const;

  Redis& redis_;
  const Script script_;
  const std::vector<std::string> keys_;
  const std::vector<std::string> policy_;
};

}  // namespace cb
