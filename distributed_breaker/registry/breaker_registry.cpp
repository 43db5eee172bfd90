#include "distributed_breaker/registry/breaker_registry.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace cb {
namespace {

// How many of the least recently used breakers a new context may try to evict. Those that cannot be evicted move to the
// front, so that the next new context tries others: an eviction costs the same with 100 breakers and with 100,000.
constexpr size_t most_tries = 16;

// How many buckets, of about one breaker each, are scanned under one lock: some tens of microseconds.
constexpr size_t buckets_at_a_time = 1024;

std::string valid_name(std::string name) {
  require_valid_name(name);
  return name;
}

size_t valid_bound(size_t max_breakers) {
  constexpr size_t most = BreakerRegistry::most_breakers;
  if (max_breakers <= most) return max_breakers;
  throw std::invalid_argument("max_breakers is " + std::to_string(max_breakers) + "; it must be 0 to " +
                              std::to_string(most));
}

}  // namespace

BreakerRegistry::BreakerRegistry(std::string name, size_t max_breakers, Make make, Now now)
    : name_(valid_name(std::move(name))),
      max_breakers_(valid_bound(max_breakers)),
      make_(std::move(make)),
      now_(std::move(now)),
      common_(make_({name_})) {
  by_context_.reserve(max_breakers_);
}

std::shared_ptr<ManagedBreaker> BreakerRegistry::at(const std::string& context) {
  if (context.empty()) return common_;
  std::shared_ptr<ManagedBreaker> evicted;  // destroyed after the lock is released, as that may wait for a store
  const std::scoped_lock lock(mutex_);
  if (const auto found = by_context_.find(context); found != by_context_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    found->second->used_at = now_();
    return found->second->breaker;
  }
  if (by_context_.size() < max_breakers_) return add(context);
  evicted = evict_one();
  return evicted ? add(context) : common_;
}

std::shared_ptr<ManagedBreaker> BreakerRegistry::to_read(const std::string& context) const {
  if (context.empty()) return common_;
  const std::scoped_lock lock(mutex_);
  if (const auto found = by_context_.find(context); found != by_context_.end()) return found->second->breaker;
  return has_room() ? make_({name_, context}) : common_;
}

std::shared_ptr<ManagedBreaker> BreakerRegistry::add(const std::string& context) {
  entries_.push_front({context, make_({name_, context}), now_()});
  by_context_.emplace(entries_.front().context, entries_.begin());
  return entries_.front().breaker;
}

std::shared_ptr<ManagedBreaker> BreakerRegistry::evict_one() {
  for (size_t tries = std::min(most_tries, entries_.size()); tries > 0; --tries) {
    const auto oldest = std::prev(entries_.end());
    if (can_be_evicted(*oldest)) {
      std::shared_ptr<ManagedBreaker> evicted = std::move(oldest->breaker);
      by_context_.erase(oldest->context);
      entries_.erase(oldest);
      return evicted;
    }
    entries_.splice(entries_.begin(), entries_, oldest);
  }
  return nullptr;
}

// Not in use and, while the registry is locked, out of reach for new users.
bool BreakerRegistry::can_be_evicted(const Entry& entry) const {
  if (entry.breaker.use_count() > 1) return false;
  return entry.breaker->is_evictable(std::chrono::floor<std::chrono::milliseconds>(now_() - entry.used_at));
}

// For one more context: there is, or evict_one() would make it.
bool BreakerRegistry::has_room() const {
  if (by_context_.size() < max_breakers_) return true;
  const auto tried = static_cast<Entries::difference_type>(std::min(most_tries, entries_.size()));
  return std::any_of(entries_.rbegin(), std::next(entries_.rbegin(), tried),
                     [this](const Entry& entry) { return can_be_evicted(entry); });
}

size_t BreakerRegistry::size() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size() + 1;
}

BreakerCounts BreakerRegistry::counts() const {
  BreakerCounts counts{size(), 0};
  for_each_open(all, [&](const auto&, const auto&) { ++counts.open; });
  return counts;
}

void BreakerRegistry::for_each_open(size_t most, const Visit& visit) const {
  if (most > 0 && common_->is_open()) {
    visit("", common_);
    --most;
  }
  for (size_t bucket = 0; most > 0 && bucket < by_context_.bucket_count(); bucket += buckets_at_a_time) {
    for (const Entry& open : open_among(bucket)) {
      if (most == 0) return;
      visit(open.context, open.breaker);
      --most;
    }
  }
}

std::vector<BreakerRegistry::Entry> BreakerRegistry::open_among(size_t first_bucket) const {
  std::vector<Entry> open;
  const size_t end = std::min(first_bucket + buckets_at_a_time, by_context_.bucket_count());
  const std::scoped_lock lock(mutex_);
  for (size_t bucket = first_bucket; bucket < end; ++bucket) {
    for (auto here = by_context_.begin(bucket); here != by_context_.end(bucket); ++here) {
      if (here->second->breaker->is_open()) open.push_back(*here->second);
    }
  }
  return open;
}

}  // namespace cb
