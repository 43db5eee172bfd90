// A FallbackSource provides an answer for a call that failed: a fixed one, or the latest good one of the same tenant.
// Thread-safe: every method. Bounded: the answers of all tenants take 16 MiB at most, each 64 KiB; when more come, the
// tenant whose answer is the oldest loses it.
// The latest good answer never expires. It carries its age: only the caller knows how old is too old.
// Source: Nygard, Release It!, ch. 5; Hystrix's fallbacks.
#pragma once

#include <algorithm>
#include <chrono>
#include <iterator>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

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
  static constexpr size_t most_bytes = 16 * 1024 * 1024;

  explicit FallbackSource(const CallPolicy& policy) : kind_(policy.fallback), fixed_(policy.fallback_answer) {}

  // Keeps `body` unless it is too long or older than the one kept: calls overtake each other.
  void remember(const std::string& tenant, const std::string& body, SteadyTime now) {
    if (kind_ != Fallback::last_good || body.size() > longest_body) return;
    const std::scoped_lock lock(mutex_);
    if (const auto kept = by_tenant_.find(tenant); kept != by_tenant_.end()) {
      if (kept->second->at > now) return;
      drop(kept->second);
    }
    add({tenant, body, now});
    while (bytes_ > most_bytes) drop(std::prev(newest_first_.end()));
  }

  // std::nullopt: the policy has no fallback, or no call of this tenant has succeeded yet.
  std::optional<FallbackAnswer> answer(const std::string& tenant, SteadyTime now) const {
    if (kind_ == Fallback::fixed) return FallbackAnswer{.body = fixed_};
    const std::scoped_lock lock(mutex_);
    const auto kept = by_tenant_.find(tenant);
    if (kept == by_tenant_.end()) return std::nullopt;
    const auto age = std::max(now - kept->second->at, SteadyTime::duration::zero());
    return FallbackAnswer{kept->second->body, std::chrono::duration_cast<std::chrono::milliseconds>(age)};
  }

 private:
  struct Remembered {
    std::string tenant;
    std::string body;
    SteadyTime at;
    size_t bytes() const { return tenant.size() + body.size() + 256; }  // 256: of the list and the map
  };
  using Answers = std::list<Remembered>;

  void add(Remembered answer) {
    bytes_ += answer.bytes();
    newest_first_.push_front(std::move(answer));
    by_tenant_.emplace(newest_first_.front().tenant, newest_first_.begin());
  }

  void drop(Answers::iterator answer) {
    bytes_ -= answer->bytes();
    by_tenant_.erase(answer->tenant);
    newest_first_.erase(answer);
  }

  const Fallback kind_;
  const std::string fixed_;
  mutable std::mutex mutex_;
  Answers newest_first_;                                               // guarded by mutex_, and so is all that follows
  std::unordered_map<std::string_view, Answers::iterator> by_tenant_;  // the answers own the keys
  size_t bytes_ = 0;
};

}  // namespace cb
