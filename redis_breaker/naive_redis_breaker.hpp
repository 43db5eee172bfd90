// A NaiveRedisBreaker is the shared breaker as textbooks tell it: GET, think, SET. It is here to be broken, beside the
// one that is not; never use it. What is wrong with it, each shown by a test (naive_redis_breaker_test.cpp):
//   - between a GET and the SET that follows from it, others do the same: several probes, lost transitions;
//   - a prober that dies leaves half_open behind, and nobody else may probe;
//   - results of calls sent long ago count as if they were news;
//   - the break is measured from last_failure, by each instance's own clock, and every late failure pushes it on;
//   - after FLUSHALL, or when Redis fails, it throws at its caller, or takes Redis's failure for the upstream's.
// Thread-safe, in that nothing crashes.
#pragma once

#include <atomic>
#include <string>

#include "redis_breaker/redis/client.hpp"
#include "simple_breaker/event.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

class NaiveRedisBreaker final : public ManagedBreaker {
 public:
  // Throws std::runtime_error where Redis does not answer.
  NaiveRedisBreaker(redis::Client& client, const std::string& name, const Policy& policy, Listener listener = {});

  Admission acquire() override;               // throws std::runtime_error where Redis fails or a key is missing
  DetailedStatus detailed_status() override;  // likewise
  std::string apply_override(const Override&, std::chrono::milliseconds) override {
    return "the naive store knows no overrides; use --store atomic";
  }
  void report_health(Health) override {}
  State known_state() const override { return state_; }
  bool is_evictable() const override { return true; }

 private:
  Settled settle(const PermitId& id, TimePoint started, Outcome outcome) override;
  void on_success();
  void on_failure();

  std::string get(const std::string& key);
  void set(const std::string& key, const std::string& value);
  void go(const std::string& from, State to, const std::string& cause);

  redis::Client& client_;
  const std::string prefix_;
  const Policy policy_;
  const Listener listener_;
  const Identity identity_;
  std::atomic<State> state_{State::closed};  // as this process left it
};

}  // namespace cb
