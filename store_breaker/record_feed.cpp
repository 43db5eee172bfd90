#include "store_breaker/record_feed.hpp"

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
  for (const RecordChange& change : std::get<std::vector<RecordChange>>(changes)) announce(change.breaker);
  if (!check) return true;
  const std::scoped_lock lock(mutex_);
  changes_.confirmed_at = check;
  wake_.notify();
  return true;
}

// Within a generation of a closed circuit only the count has changed, which asks for no more than that successes are
// reported.
void RecordFeed::announce(const std::string& breaker) {
  const std::string service = breaker.substr(0, breaker.find(Identity::separator));
  if (std::find(services_.begin(), services_.end(), service) == services_.end()) return;
  const auto read = read_(breaker);
  if (const auto* trouble = std::get_if<StoreTrouble>(&read)) return fail(*trouble);
  const auto& news = std::get<std::optional<News>>(read);
  const std::scoped_lock lock(mutex_);
  if (!news) {
    changes_.written.push_back({breaker, "state"});
  } else if (news->state == State::closed && announced_[breaker] == news->generation) {
    changes_.written.push_back({breaker, "failures"});
  } else {
    announced_[breaker] = news->generation;
    changes_.news.emplace_back(breaker, *news);
  }
  wake_.notify();
}

void RecordFeed::fail(const StoreTrouble& trouble) {
  const std::scoped_lock lock(mutex_);
  error_ = trouble.what;
  wake_.notify();
}

}  // namespace cb
