// A NaiveRedisBreaker is the textbook's shared breaker: GET, think, SET. It exists to be broken, beside the correct
// one; never use it. Its faults, each shown by a test (naive_redis_breaker_test.cpp):
//   - between a GET and the SET that depends on it, other instances do the same: several probes, lost transitions;
//   - a prober that dies leaves half_open behind, and no instance may ever probe again;
//   - results of calls that started long ago count as if they were new;
//   - the break is measured from last_failure, by each instance's clock, and every late failure extends it;
//   - after FLUSHALL, or when Redis fails, it throws at its caller, or takes Redis's failure for the upstream's.
// Thread-safe, in the sense that it does not crash.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "redis_breaker/redis/client.hpp"
#include "simple_breaker/notices/notice_queue.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

class NaiveRedisBreaker final : public ManagedBreaker {
 public:
  // Creates its keys; a tenant's breaker does so at its first call. Throws std::runtime_error if Redis does not answer.
  NaiveRedisBreaker(redis::Client& client, const Identity& identity, const Policy& policy, Listener listener = {});

  Admission acquire() override;               // throws std::runtime_error if Redis fails or a key is missing
  DetailedStatus detailed_status() override;  // likewise
  std::string apply_override(const Override&, std::chrono::milliseconds) override {
    return "the naive store has no overrides; use --store scripted or cached";
  }
  void report_health(Health) override {}
  std::optional<Rejection> early_rejection(std::chrono::milliseconds) override { return std::nullopt; }  // it must ask
  State known_state() const override { return state_; }
  bool is_evictable(std::chrono::milliseconds) const override { return true; }

 private:
  Settled settle(const PermitId& id, TimePoint started, Outcome outcome) override;
  using Seconds = std::chrono::duration<double>;
  static double epoch_seconds() { return Seconds(std::chrono::system_clock::now().time_since_epoch()).count(); }
  bool has_keys() { return ask({"EXISTS", prefix_ + "state"}) != "0"; }
  void create_keys();
  void on_failure();

  std::string ask(const std::vector<std::string>& command);  // throws if Redis fails or has no such key
  std::string get(const std::string& key) { return ask({"GET", prefix_ + key}); }
  State get_state() { return state_from(get("state")).value_or(State::closed); }
  void set(const std::string& key, const std::string& value) { ask({"SET", prefix_ + key, value}); }
  void transition(State from, State to, const std::string& cause);

  redis::Client& client_;
  const std::string prefix_;
  const Policy policy_;
  const NoticeQueue notices_;
  const bool is_tenants_;
  std::once_flag created_;                   // the keys of a tenant's breaker
  std::atomic<State> state_{State::closed};  // as this process last wrote it
};

}  // namespace cb
