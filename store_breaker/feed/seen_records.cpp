#include "store_breaker/feed/seen_records.hpp"

#include <utility>

namespace cb {

SeenRecords::Seen SeenRecords::reported(const std::string& breaker, const Seen& seen) {
  const std::scoped_lock lock(mutex_);
  return std::exchange(of(breaker), seen);
}

void SeenRecords::exchanged(const std::string& breaker, uint64_t known_generation, const Seen& seen) {
  const bool is_news = known_generation != 0 && known_generation != seen.generation;
  if (is_news || seen.generation == 0) return;
  const std::scoped_lock lock(mutex_);
  Seen& before = of(breaker);
  if (before.generation == seen.generation || before.generation == 0) before = seen;
}

void SeenRecords::forget_all() {
  const std::scoped_lock lock(mutex_);
  seen_.clear();
}

size_t SeenRecords::size() const {
  const std::scoped_lock lock(mutex_);
  return seen_.size();
}

SeenRecords::Seen& SeenRecords::of(const std::string& breaker) {
  if (seen_.size() >= most && !seen_.contains(breaker)) seen_.clear();
  return seen_[breaker];
}

}  // namespace cb
