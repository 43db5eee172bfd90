#include "store_breaker/feed/record_feed.hpp"

#include <algorithm>
#include <utility>

#include "simple_breaker/clock.hpp"
#include "simple_breaker/policies/identity.hpp"

namespace cb {
namespace {

constexpr std::chrono::seconds longest_wait{1};

}  // namespace

RecordFeed::RecordFeed(std::unique_ptr<RecordWatch> watch, std::vector<std::string> services, uint64_t run, Read read)
    : watch_(std::move(watch)), services_(std::move(services)), run_(run), read_(std::move(read)), thread_([this] {
        work();
      }) {}

RecordFeed::~RecordFeed() {
  if (!thread_.joinable()) return;
  is_stopped_ = true;
  watch_->interrupt();
  thread_.join();
}

std::string RecordFeed::error() const {
  const std::scoped_lock lock(mutex_);
  return error_;
}

Changes RecordFeed::take() {
  wake_.clear();
  const std::scoped_lock lock(mutex_);
  return std::exchange(changes_, {});
}

ChangeFeed::Check RecordFeed::check(const std::string&) {
  std::unique_lock lock(mutex_);
  check_at_ = coarse_steady_time();
  lock.unlock();
  watch_->interrupt();
  return {};
}

void RecordFeed::work() {
  while (!is_stopped_ && wait_once(take_check())) {
  }
}

std::optional<SteadyTime> RecordFeed::take_check() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(check_at_, std::nullopt);
}

// A wait that began after the check proves that all changes up to the check have been reported.
bool RecordFeed::wait_once(std::optional<SteadyTime> check) {
  const auto now = std::chrono::steady_clock::now();
  const auto changes = watch_->wait(check ? now : now + longest_wait);
  if (const auto* trouble = std::get_if<StoreTrouble>(&changes)) {
    fail(*trouble);
    return false;
  }
  for (const RecordChange& change : std::get<std::vector<RecordChange>>(changes)) announce(change);
  if (!check) return true;
  const std::scoped_lock lock(mutex_);
  changes_.confirmed_at = check;
  wake_.notify();
  return true;
}

void RecordFeed::announce(const RecordChange& change) {
  const std::string service = change.breaker.substr(0, change.breaker.find(Identity::separator));
  if (std::find(services_.begin(), services_.end(), service) == services_.end()) return;
  const Meaning meaning = read_(change);
  if (std::holds_alternative<Known>(meaning)) return;
  if (const auto* trouble = std::get_if<StoreTrouble>(&meaning)) return fail(*trouble);
  const std::scoped_lock lock(mutex_);
  if (const auto* news = std::get_if<News>(&meaning)) {
    changes_.news.emplace_back(change.breaker, *news);
  } else {
    changes_.written.push_back({change.breaker, std::holds_alternative<Counted>(meaning) ? "failures" : "state"});
  }
  wake_.notify();
}

void RecordFeed::fail(const StoreTrouble& trouble) {
  const std::scoped_lock lock(mutex_);
  error_ = trouble.what;
  wake_.notify();
}

}  // namespace cb
