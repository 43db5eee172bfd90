// Keeps retries from becoming a retry storm: a RetryBudget decides whether another retry is allowed, a Backoff how long
// to wait before it.
// Thread-safe: every method. The budget is a single atomic, so that an instance's calls share no lock. Backoff is pure:
// the caller owns the random numbers.
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

// Each call deposits a share of a token, each retry withdraws a whole one. Over time, retries are at most that share of
// the calls, even if every call fails.
class RetryBudget {
 public:
  // The most that a quiet hour can save up, and so the longest burst of retries.
  static constexpr int capacity = 10;

  // The balance of a new process. One: it may retry a single dropped connection before it has earned a token. Not more:
  // processes restart during an outage, and each would spend its reserve on an upstream that is down.
  static constexpr int reserve = 1;

  // `share`: 0 to 1 tokens per call, in millionths. Zero: no budget, every retry is allowed.
  explicit RetryBudget(double share) : limits_(share > 0), deposit_(std::llround(share * token)) {}

  // Once per call, for its first attempt.
  void deposit() {
    int64_t balance = balance_;
    while (!balance_.compare_exchange_weak(balance, std::min(balance + deposit_, capacity * token))) {
    }
  }

  // Returns whether a retry is allowed, and takes its token.
  [[nodiscard]] bool withdraw() {
    int64_t balance = balance_;
    while (limits_ && balance >= token) {
      if (balance_.compare_exchange_weak(balance, balance - token)) return true;
    }
    return !limits_;
  }

  double tokens() const { return static_cast<double>(balance_) / token; }

 private:
  static constexpr int64_t token = 1'000'000;  // an integer, so that ten tenths are exactly one token

  const bool limits_;
  const int64_t deposit_;
  std::atomic<int64_t> balance_{reserve * token};
};

// Waits grow by a factor up to a maximum. Each is shortened by a random share, so that callers that failed together do
// not retry together.
class Backoff {
 public:
  explicit Backoff(const CallPolicy& policy)
      : first_(policy.retry_backoff),
        multiplier_(policy.retry_backoff_multiplier),
        maximum_(policy.retry_backoff_maximum),
        jitter_(policy.retry_jitter) {}

  // `retry`: 1 is the first. Draws one number from `random`.
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
