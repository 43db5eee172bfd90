// A RedisBreaker is one breaker that many processes share: the state machine runs inside Redis, an event at a time.
// Thread-safe: every method. Listeners run on the calling thread; a transition is reported by the process whose call
// made it, and by no other. Cost: one round trip for acquire() and one for settling a permit. Errors: the constructor
// throws std::invalid_argument for a bad name or setting. Trouble with Redis never reaches the caller: the call goes
// through unprotected, is counted and reported, and never counts as a failure of the upstream.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include "redis_breaker/redis.hpp"
#include "redis_breaker/shared_table.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

class RedisBreaker final : public Breaker {
 public:
  RedisBreaker(Redis& redis, const std::string& name, const Policy& policy, Listeners listeners = {});

  Admission acquire() override;
  Status status() override;

 private:
  Settled settle(const PermitId& id, Outcome outcome) override;
  std::optional<SharedAnswer> learn(SharedTable::Result result);
  void report_trouble(const std::string& what);
  Seen seen() const;

  const SharedTable table_;
  const Listeners listeners_;
  std::atomic<uint64_t> seen_{0};  // the newest stay known here: generation << 2 | state; never goes back
  std::atomic<uint64_t> late_results_{0};
  std::atomic<uint64_t> store_errors_{0};
  std::atomic<uint64_t> unprotected_calls_{0};
  std::atomic<int64_t> silent_until_{0};  // steady milliseconds; trouble is reported once a second, not once a call
};

}  // namespace cb
