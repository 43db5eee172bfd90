#include "redis_breaker/sync/synchronizer.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "simple_breaker/clock.hpp"
#include "simple_breaker/uncancelled_thread.hpp"

namespace cb {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr auto between_checks = 750ms;  // under CachedView::longest_age, so that healthy calls need not ask
constexpr milliseconds before_retry{250};
constexpr auto shortest_before_question = 10ms;  // after a key was written: a fleet does not ask all at once
constexpr auto longest_before_question = 40ms;
constexpr milliseconds longest_before_retry{5000};
constexpr size_t most_polled = 10;
constexpr size_t most_refreshed = 100;  // the others are fetched when they are used

int make_wake_fd() {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

}  // namespace

Synchronizer::Synchronizer(StateStore& store, StoreGate& gate) : store_(store), wake_fd_(make_wake_fd()), gate_(gate) {
  gate_.when_changed([this] {
    const std::scoped_lock lock(mutex_);
    for (const auto& push_status : push_statuses_) push_status->session = 0;
    wake();
  });
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

Synchronizer::~Synchronizer() {
  const UncancelledThread uncancelled;
  thread_.request_stop();
  wake();
  thread_.join();
  close(wake_fd_);
}

void Synchronizer::add(SynchronizedBreaker& breaker, const std::string& service) {
  breakers_.add(breaker);
  {
    const std::scoped_lock lock(mutex_);
    if (std::find(services_.begin(), services_.end(), service) != services_.end()) return;
    services_.push_back(service);
  }
  wake();
}

void Synchronizer::report_soon(SynchronizedBreaker& breaker) {
  breakers_.report_soon(breaker);
  wake();
}

PushStatus& Synchronizer::push_status(size_t node) {
  const std::scoped_lock lock(mutex_);
  while (push_statuses_.size() <= node) push_statuses_.push_back(std::make_unique<PushStatus>(push_statuses_.size()));
  return *push_statuses_[node];
}

PushStatus& Synchronizer::push_status_of(const Origin& origin) {
  PushStatus& status = push_status(origin.node);
  if (status.run != PushStatus::any_run && status.run != origin.run) status.session = 0;
  return status;
}

void Synchronizer::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (gate_.is_available()) {
      watch_everywhere();
      for (auto& [node, entry] : watched_nodes_) process(entry);
      refresh_due();
      breakers_.call_reports_due(SteadyClock::now());
      poll_some();
    } else {
      look_for_store();
    }
    deliver(gate_.notices());
    wait();
  }
}

void Synchronizer::look_for_store() {
  for (auto& [node, entry] : watched_nodes_) stop_watching(entry);
  if (SteadyClock::now() < look_for_store_at_) return;
  milliseconds wait = before_retry;
  const std::string lost_by = gate_.lost_by();
  for (const std::string& name : breakers_.contains(lost_by) ? std::vector{lost_by} : breakers_.names(1)) {
    breakers_.for_each_named(name, [&](SynchronizedBreaker& breaker) {
      wait = gate_.try_to_reconnect([&] {
        watch_everywhere();  // before the writes are tried: the buffers of its connections take memory too
        return breaker.reconnect();
      });
    });
  }
  look_for_store_at_ = SteadyClock::now() + wait;
}

void Synchronizer::watch_everywhere() {
  std::unique_lock lock(mutex_);
  const size_t nodes = push_statuses_.size();
  const bool is_new_service = services_ != watched_services_;
  watched_services_ = services_;
  lock.unlock();
  if (is_new_service) {
    for (auto& [node, entry] : watched_nodes_) stop_watching(entry);
  }
  if (watched_services_.empty()) return;
  for (size_t node = 0; node < nodes; ++node) {
    const auto [entry, is_new] = watched_nodes_.try_emplace(node, push_status(node));
    const bool is_due = !entry->second.is_watched && SteadyClock::now() >= entry->second.retry_at;
    if (is_due) watch(node, entry->second);
  }
}

void Synchronizer::watch(size_t node, WatchedNode& entry) {
  const SteadyTime now = coarse_steady_time();
  std::unique_ptr<ChangeFeed> feed;
  try {
    feed = store_.watch(node, watched_services_);
  } catch (const std::system_error&) {  // no thread or no descriptor is to be had
    return postpone(entry, false);
  }
  if (!feed || feed->error().empty()) {
    entry.is_watched = true;
    entry.pause = 0ms;
    entry.refusal.clear();
    entry.next_check = SteadyClock::now() + between_checks;
    entry.push_status.run = feed ? feed->run() : PushStatus::any_run;
    entry.push_status.confirmed_at = now;
    entry.feed = std::move(feed);
    return;
  }
  const bool refused = feed->is_refused();
  if (refused && std::exchange(entry.refusal, feed->error()) != feed->error())
    gate_.report_problem("no pushes: " + feed->error() + "; asking " + store_.name().title + " once a second instead");
  postpone(entry, refused);
  if (!refused) refresh(breakers_.names(1));  // finds out whether the store is unavailable
}

// A node may be gone for good, and no longer be needed.
void Synchronizer::postpone(WatchedNode& entry, bool refused) {
  entry.pause = refused ? longest_before_retry : std::clamp(2 * entry.pause, before_retry, longest_before_retry);
  entry.retry_at = SteadyClock::now() + entry.pause;
}

// Views that were fetched before the feed began may be stale, so they are fetched again.
void Synchronizer::begin_session(WatchedNode& entry) {
  entry.has_session = true;
  entry.push_status.session = ++sessions_;
  if (entry.feed) {
    for (const std::string& line : entry.feed->warnings()) gate_.report_problem(line);
  }
  refresh(breakers_.names(most_refreshed));
}

void Synchronizer::process(WatchedNode& entry) {
  if (!entry.is_watched) return;
  if (!entry.has_session) begin_session(entry);
  if (!entry.feed) return;
  const Changes changes = entry.feed->take();
  if (changes.anything) entry.push_status.session = ++sessions_;  // the views that are not fetched now are stale too
  handle(changes);
  if (!entry.feed->error().empty()) return stop_watching(entry);
  if (changes.confirmed_at) {
    entry.push_status.confirmed_at = *changes.confirmed_at;
    entry.is_confirming = false;
  }
  if (SteadyClock::now() >= entry.next_check && !entry.is_confirming) check(entry);
}

void Synchronizer::stop_watching(WatchedNode& entry) {
  entry.push_status.session = 0;
  entry.is_watched = entry.has_session = entry.is_confirming = false;
  entry.feed.reset();
  entry.retry_at = SteadyClock::now();  // immediately
  entry.pause = 0ms;
}

// Another server has answered since the last check, or is there now; or it has another database: a generation never
// repeats, so another one than the view has, of which no push came, is not from there.
void Synchronizer::check(WatchedNode& entry) {
  entry.next_check = SteadyClock::now() + between_checks;
  if (entry.push_status.session == 0) return stop_watching(entry);
  const BreakerList::Known known = breakers_.any_known();
  const ChangeFeed::Check found = entry.feed->check(known.name);
  if (!found.is_reachable) {
    entry.next_check = SteadyClock::now() + before_retry;
    return refresh(breakers_.names(1));  // finds out whether the store is unavailable
  }
  if (!entry.feed->error().empty()) return stop_watching(entry);
  entry.is_confirming = true;
  const uint64_t generation = found.generation.value_or(known.generation);
  if (generation == known.generation || generation == breakers_.any_known().generation) return;  // or just changed
  // The server may have evicted a healthy breaker, which is not stored again before its next failure.
  const bool is_missing = generation == 0;
  if (is_missing) refresh({known.name});
  if (is_missing && breakers_.any_known() == known) return;
  entry.push_status.session = ++sessions_;  // the other views are stale too
  refresh({known.name});
}

void Synchronizer::handle(const Changes& changes) {
  for (const auto& [name, news] : changes.news) {
    breakers_.for_each_named(name, [&what = news](SynchronizedBreaker& breaker) { breaker.on_news(what); });
  }
  if (changes.anything) return refresh(breakers_.names(most_refreshed));
  for (const WrittenKey& written : changes.written) {
    breakers_.for_each_named(written.breaker, [&](SynchronizedBreaker& breaker) {
      if (breaker.on_key_written(written.key)) spread(written.breaker);
    });
  }
}

// A transition that an instance made has been announced to all; what other programs wrote may wait for a moment.
void Synchronizer::spread(const std::string& name) {
  due_.try_emplace(name, SteadyClock::now() + between(shortest_before_question, longest_before_question));
}

milliseconds Synchronizer::between(milliseconds shortest, milliseconds longest) {
  return milliseconds(std::uniform_int_distribution(shortest.count(), longest.count())(random_));
}

void Synchronizer::refresh_due() {
  const auto now = SteadyClock::now();
  for (auto entry = due_.begin(); entry != due_.end();) {
    if (entry->second > now) {
      ++entry;
      continue;
    }
    breakers_.for_each_named(entry->first, [](SynchronizedBreaker& breaker) { breaker.refresh_if_written(); });
    entry = due_.erase(entry);
  }
}

// With a feed, a safety net in case a push is lost.
void Synchronizer::poll_some() {
  const auto now = SteadyClock::now();
  if (now < next_poll_) return;
  const bool first = next_poll_ == SteadyClock::time_point{};
  const milliseconds pause = store_.between_polls();
  next_poll_ = now + between(pause - pause / 5, pause + pause / 5);
  if (first) return;
  if (polled_last_.empty()) round_begun_at_ = coarse_steady_time();
  auto names = breakers_.names(most_polled + 1, polled_last_);
  const bool is_round_over = names.size() <= most_polled;
  if (!is_round_over) names.pop_back();
  polled_last_ = is_round_over ? "" : names.back();
  refresh(names);
  if (is_round_over) confirm_polled();
}

// All views have been fetched since the round began.
void Synchronizer::confirm_polled() {
  for (auto& [node, entry] : watched_nodes_) {
    if (entry.has_session && !entry.feed) entry.push_status.confirmed_at = round_begun_at_;
  }
}

void Synchronizer::refresh(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    breakers_.for_each_named(name, [](SynchronizedBreaker& breaker) { breaker.refresh(); });
  }
}

void Synchronizer::wait() {
  std::vector<pollfd> descriptors{{wake_fd_, POLLIN, 0}};
  for (const auto& [node, entry] : watched_nodes_) {
    if (entry.feed) descriptors.push_back({entry.feed->fd(), POLLIN, 0});
  }
  const auto left = std::chrono::ceil<milliseconds>(next_due() - SteadyClock::now()).count();
  poll(descriptors.data(), descriptors.size(), static_cast<int>(std::clamp<int64_t>(left, 0, 60'000)));
  if (descriptors.front().revents == 0) return;
  uint64_t woken = 0;
  [[maybe_unused]] const auto drained = read(wake_fd_, &woken, sizeof woken);
}

void Synchronizer::wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_fd_, &one, sizeof one);
}

Synchronizer::SteadyClock::time_point Synchronizer::next_due() const {
  if (!gate_.is_available()) return look_for_store_at_;
  auto due = std::min(next_poll_, breakers_.next_report_due());
  for (const auto& [name, at] : due_) due = std::min(due, at);
  for (const auto& [node, entry] : watched_nodes_) {
    if (!entry.is_watched) due = std::min(due, entry.retry_at);
    if (entry.feed) due = std::min(due, entry.is_confirming ? entry.feed->due() : entry.next_check);
  }
  return due;
}

}  // namespace cb
