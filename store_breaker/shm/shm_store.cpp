#include "store_breaker/shm/shm_store.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <utility>

#include "store_breaker/shm/binary_record.hpp"

namespace cb {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds between_checks{1};

const std::string& require_valid_segment(const std::string& name) {
  const auto is_valid = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '_' || letter == '-';
  };
  if (!name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), is_valid)) return name;
  throw std::invalid_argument("store: a name for shm: has 1 to 64 characters of A-Z a-z 0-9 _ -");
}

// Its loss loses no protection.
bool is_idle(const Record& record) {
  const Snapshot& snapshot = record.snapshot;
  const auto saw_failure = [](const CallCounts& bucket) { return bucket.failures > 0 || bucket.slow > 0; };
  const auto& buckets = snapshot.counts.window.held;
  return snapshot.state == State::closed && snapshot.mode == Mode::automatic && snapshot.counts.failures == 0 &&
         std::none_of(std::begin(buckets), std::end(buckets), saw_failure);
}

}  // namespace

class ShmStore::Watch final : public RecordWatch {
 public:
  Watch(ShmStore& store, std::shared_ptr<Segment> segment)
      : store_(store), segment_(std::move(segment)), seen_(segment_->changes()) {}

  std::variant<std::vector<RecordChange>, StoreTrouble> wait(StoreDeadline deadline) override {
    std::vector<RecordChange> changes;
    do {
      const auto segment = store_.segment();
      if (const auto* trouble = std::get_if<StoreTrouble>(&segment)) return *trouble;
      if (std::get<std::shared_ptr<Segment>>(segment) != segment_) {
        return StoreTrouble{store_.name() + ": the segment was removed, and created again"};
      }
      if (is_interrupted_.exchange(false)) break;
      for (std::string& name : segment_->wait_for_changes(seen_, deadline)) changes.push_back({std::move(name)});
    } while (changes.empty() && steady_clock::now() < deadline);
    return changes;
  }

  void interrupt() override {
    is_interrupted_ = true;
    segment_->wake_all();
  }

 private:
  ShmStore& store_;
  const std::shared_ptr<Segment> segment_;
  uint64_t seen_;
  std::atomic<bool> is_interrupted_{false};
};

ShmStore::ShmStore(const std::string& name)
    : name_(require_valid_segment(name)), segment_(std::make_shared<Segment>(name)) {}

std::variant<std::shared_ptr<Segment>, StoreTrouble> ShmStore::segment() {
  const std::scoped_lock lock(mutex_);
  const auto now = steady_clock::now();
  if (now < check_at_) return segment_;
  if (!segment_->is_current()) {
    try {
      segment_ = std::make_shared<Segment>(name_);
    } catch (const std::exception& error) {
      return StoreTrouble{error.what()};
    }
  }
  check_at_ = now + between_checks;
  return segment_;
}

std::variant<Found, StoreTrouble> ShmStore::read(const std::string& breaker, StoreDeadline deadline) {
  const auto current = segment();
  if (const auto* trouble = std::get_if<StoreTrouble>(&current)) return *trouble;
  Segment& segment = *std::get<std::shared_ptr<Segment>>(current);
  const auto row = segment.read(breaker, deadline);
  if (!row) return StoreTrouble{name() + ": a process that holds the lock does not run"};
  Found found;
  found.now = segment.now();
  found.run = segment.run();
  found.version = row->version;
  found.was_idle = row->version == 0;
  if (row->version == 0) return found;
  auto record = row->is_damaged ? std::nullopt : record_from_bytes(row->text);
  if (!record) found.fault = "the record in " + name() + " is damaged";
  if (record) found.record = *std::move(record);
  return found;
}

std::variant<Written, StoreTrouble> ShmStore::compare_and_set(const std::string& breaker, uint64_t expected,
                                                              const Record& record, StoreDeadline deadline) {
  const auto current = segment();
  if (const auto* trouble = std::get_if<StoreTrouble>(&current)) return *trouble;
  Segment& segment = *std::get<std::shared_ptr<Segment>>(current);
  const std::string bytes = to_bytes(record);
  using Result = Segment::Result;
  switch (segment.compare_and_set(breaker, expected, record.version, bytes, {record.expires_at, is_idle(record)},
                                  deadline)) {
    case Result::written:
      return Written::yes;
    case Result::conflict:
      return Written::conflict;
    case Result::too_long:
      return StoreTrouble{name() + ": the record has " + std::to_string(bytes.size()) + " bytes, of at most " +
                          std::to_string(Segment::longest_text)};
    case Result::full:
      return StoreTrouble{name() + " is full: " + std::to_string(Segment::rows) +
                          " breakers are open, or have failures"};
    case Result::locked:
      break;
  }
  return StoreTrouble{name() + ": a process that holds the lock does not run"};
}

std::variant<std::unique_ptr<RecordWatch>, StoreTrouble> ShmStore::watch() {
  const auto current = segment();
  if (const auto* trouble = std::get_if<StoreTrouble>(&current)) return *trouble;
  return std::make_unique<Watch>(*this, std::get<std::shared_ptr<Segment>>(current));
}

}  // namespace cb
