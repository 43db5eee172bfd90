#include "store_breaker/memory/memory_store.hpp"

#include <utility>

namespace cb {

class MemoryStore::Watch final : public RecordWatch {
 public:
  Watch(MemoryStore& store, uint64_t seen) : store_(store), seen_(seen) {}

  std::variant<std::vector<RecordChange>, StoreTrouble> wait(StoreDeadline deadline) override {
    std::unique_lock lock(store_.mutex_);
    store_.changed_.wait_until(lock, deadline, [this] { return is_interrupted_ || store_.changes_ > seen_; });
    is_interrupted_ = false;
    std::vector<RecordChange> changes;
    for (const auto& [breaker, stored] : store_.stored_) {
      if (stored.change > seen_) changes.push_back({breaker});
    }
    seen_ = store_.changes_;
    return changes;
  }

  void interrupt() override {
    const std::scoped_lock lock(store_.mutex_);
    is_interrupted_ = true;
    store_.changed_.notify_all();
  }

 private:
  MemoryStore& store_;
  uint64_t seen_;
  bool is_interrupted_ = false;
};

std::variant<Found, StoreTrouble> MemoryStore::read(const std::string& breaker, StoreDeadline) {
  const std::scoped_lock lock(mutex_);
  Found found;
  found.run = run_;
  if (clock_) found.now = clock_();
  const auto stored = stored_.find(breaker);
  if (stored == stored_.end() || stored->second.version == 0) return found;
  found.version = stored->second.version;
  auto record = record_from(stored->second.text);
  if (const auto* fault = std::get_if<std::string>(&record)) {
    found.fault = *fault;
  } else {
    found.record = std::get<Record>(std::move(record));
  }
  return found;
}

std::variant<Written, StoreTrouble> MemoryStore::compare_and_set(const std::string& breaker, uint64_t expected,
                                                                 const Record& record, StoreDeadline) {
  std::string text = to_text(record);
  const std::scoped_lock lock(mutex_);
  Stored& stored = stored_[breaker];
  if (stored.version != expected) return Written::conflict;
  stored.version = record.version;
  stored.text = std::move(text);
  changed(stored);
  return Written::yes;
}

std::variant<std::unique_ptr<RecordWatch>, StoreTrouble> MemoryStore::watch() {
  const std::scoped_lock lock(mutex_);
  return std::make_unique<Watch>(*this, changes_);
}

void MemoryStore::put_text(const std::string& breaker, std::string text) {
  const std::scoped_lock lock(mutex_);
  Stored& stored = stored_[breaker];
  stored.version += 1;
  stored.text = std::move(text);
  changed(stored);
}

void MemoryStore::erase(const std::string& breaker) {
  const std::scoped_lock lock(mutex_);
  Stored& stored = stored_[breaker];
  stored.version = 0;
  changed(stored);
}

void MemoryStore::lose_everything() {
  const std::scoped_lock lock(mutex_);
  for (auto& [breaker, stored] : stored_) {
    stored.version = 0;
    changed(stored);
  }
  ++run_;
}

void MemoryStore::changed(Stored& stored) {
  stored.change = ++changes_;
  changed_.notify_all();
}

}  // namespace cb
