// What keeps retries from becoming a storm: a RetryBudget says whether one more may be made, a Backoff how long to wait
// before it. Both are told of calls and decide nothing else.
// Thread-safe: every method. The budget is one atomic number and nothing has to change together with it, so there is no
// lock that the calls of a whole instance would meet at. Backoff is pure: who gives the random numbers owns them.
// Source: Finagle's RetryBudget and gRPC's retry throttling; Brooker, "Exponential Backoff And Jitter", AWS 2015.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <random>

#include "distributed_breaker/resilience/call_policy.hpp"

namespace cb {

// Each call deposits a share of a token, each retry takes a whole one. So over time retries are at most that share of
// the calls, however many calls fail.
class RetryBudget {
 public:
  // What a quiet hour may save up: a burst of retries is at most this long.
  static constexpr int capacity = 10;

  // At the start. One: a new process may retry a single dropped connection before it has earned anything. No more:
  // processes are restarted during an outage, and each would bring its reserve to an upstream that is down.
  static constexpr int reserve = 1;

  // `share`: 0 to 1 tokens per call, counted in millionths. Zero: no budget, every retry may be made.
  explicit RetryBudget(double share) : limits_(share > 0), deposit_(std::llround(share * token)) {}

  // Once a call, for its first attempt.
  void deposit() {
    int64_t balance = balance_;
    while (!balance_.compare_exchange_weak(balance, std::min(balance + deposit_, capacity * token))) {
    }
  }

  // Whether a retry may be made; it is then paid for.
  [[nodiscard]] bool withdraw() {
    int64_t balance = balance_;
    while (limits_ && balance >= token) {
      if (balance_.compare_exchange_weak(balance, balance - token)) return true;
    }
    return !limits_;
  }

  double tokens() const { return static_cast<double>(balance_) / token; }

 private:
  static constexpr int64_t token = 1'000'000;  // whole numbers: ten tenths are exactly one token

  const bool limits_;
  const int64_t deposit_;
  std::atomic<int64_t> balance_{reserve * token};
};

// The waits grow by a factor up to a maximum, and each is shortened by a random part: callers that failed at the same
// moment shall not come back at the same moment.
class Backoff {
 public:
  explicit Backoff(const CallPolicy& policy)
      : first_(policy.retry_backoff),
        multiplier_(policy.retry_backoff_multiplier),
        maximum_(policy.retry_backoff_maximum),
        jitter_(policy.retry_jitter) {}

  // `retry`: 1 is the first. Takes one number from `random`.
  std::chrono::milliseconds wait_before(int retry, std::mt19937_64& random) const {
    const double unit = static_cast<double>(random() >> 11) * 0x1p-53;  // 0 <= unit < 1, the same on every platform
    const double grown = static_cast<double>(first_.count()) * std::pow(multiplier_, retry - 1);
    const double whole = std::min(grown, static_cast<double>(maximum_.count()));
    return std::chrono::milliseconds(std::llround(whole * (1 - jitter_ * unit)));
  }

 private:
  const std::chrono::milliseconds first_;
  const double multiplier_;
  const std::chrono::milliseconds maximum_;
  const double jitter_;
};

}  // namespace cb
