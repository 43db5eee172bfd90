// A RedisBreaker is one breaker that many processes share: the state machine runs inside Redis, an event at a time.
// Thread-safe: every method. The listener runs on the calling thread; a transition is reported by the process whose
// call made it, and by no other. Cost: one round trip for acquire() and one for settling a permit; the object itself is
// small, and holds no connection. Errors: the constructor throws std::invalid_argument for a bad name or setting.
// Trouble with Redis never reaches the caller: the call goes through unprotected, is counted and reported, and never
// counts as a failure of the upstream.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "redis_breaker/redis.hpp"
#include "redis_breaker/shared_table.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/event.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// What breakers of one kind have in common, so that many of them cost little. Throws as require_valid() does.
struct SharedSetup {
  SharedSetup(Redis& redis, Policy policy, Listener listener = {}, std::string instance = "");
  const Policy policy;
  const SharedTable table;
  const Listener listener;
};

class RedisBreaker final : public Breaker {
 public:
  RedisBreaker(Redis& redis, const std::string& name, const Policy& policy, Listener listener = {});
  RedisBreaker(std::shared_ptr<const SharedSetup> setup, Identity identity);

  Admission acquire() override;
  Status status() override;
  std::string impose(const Override& order, std::chrono::milliseconds lasts) override;
  void hear(Health health) override;
  State known_state() const override { return seen().state; }
  Mode known_mode() const { return mode_; }  // as the last script's answer had it
  bool is_forgettable() const override;

 private:
  Settled settle(const PermitId& id, TimePoint started, Outcome outcome) override;
  Settled note(const SharedAnswer& answer, const PermitId& id, const CallResult& result);
  std::optional<SharedAnswer> learn(SharedTable::Result result, EventKind kind = EventKind::transition);
  void report_trouble(const std::string& what);
  Seen seen() const;

  const std::shared_ptr<const SharedSetup> setup_;
  const Identity identity_;
  const std::string name_;
  std::atomic<uint64_t> seen_{0};  // the newest stay known here: generation << 2 | state; never goes back
  std::atomic<Mode> mode_{Mode::automatic};
  std::atomic<uint64_t> late_results_{0};
  std::atomic<uint64_t> slow_calls_{0};
  std::atomic<uint64_t> would_have_tripped_{0};
  std::atomic<uint64_t> store_errors_{0};
  std::atomic<uint64_t> unprotected_calls_{0};
  std::atomic<int64_t> busy_until_{0};    // steady milliseconds; a break, and as much again in which nobody asked
  std::atomic<int64_t> silent_until_{0};  // steady milliseconds; trouble is reported once a second, not once a call
};

}  // namespace cb
