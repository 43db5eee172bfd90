// A FallbackSource provides an answer for a call that failed: a fixed one, or the latest good one.
// Thread-safe: every method. Bounded: it holds one answer of at most 64 KiB.
// The latest good answer never expires. It carries its age: only the caller knows how old is too old.
// Source: Nygard, Release It!, ch. 5; Hystrix's fallbacks.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "distributed_breaker/resilience/call_policy.hpp"
#include "distributed_breaker/resilience/deadline.hpp"

namespace cb {

struct FallbackAnswer {
  std::string body;
  std::chrono::milliseconds age{0};  // since the upstream gave it; 0: the fixed one
};

class FallbackSource {
 public:
  static constexpr size_t longest_body = 64 * 1024;

  explicit FallbackSource(const CallPolicy& policy) : kind_(policy.fallback), fixed_(policy.fallback_answer) {}

  // Keeps `body` unless it is too long or older than the one kept: calls overtake each other.
  void remember(const std::string& body, SteadyTime now) {
    if (kind_ != Fallback::last_good || body.size() > longest_body) return;
    const std::scoped_lock lock(mutex_);
    if (last_good_ && last_good_->at > now) return;
    last_good_ = Remembered{body, now};
  }

  // std::nullopt: the policy has no fallback, or no call has succeeded yet.
  std::optional<FallbackAnswer> answer(SteadyTime now) const {
    if (kind_ == Fallback::fixed) return FallbackAnswer{.body = fixed_};
    const std::scoped_lock lock(mutex_);
    if (!last_good_) return std::nullopt;
    const auto age = std::max(now - last_good_->at, SteadyTime::duration::zero());
    return FallbackAnswer{last_good_->body, std::chrono::duration_cast<std::chrono::milliseconds>(age)};
  }

 private:
  struct Remembered {
    std::string body;
    SteadyTime at;
  };

  const Fallback kind_;
  const std::string fixed_;
  mutable std::mutex mutex_;
  std::optional<Remembered> last_good_;  // guarded by mutex_
};

}  // namespace cb
