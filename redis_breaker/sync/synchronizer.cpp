#include "redis_breaker/sync/synchronizer.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "redis_breaker/sync/announced_text.hpp"
#include "simple_breaker/policies/identity.hpp"

namespace cb {
namespace {

using namespace std::chrono_literals;

constexpr auto between_checks = 750ms;  // under CachedView::longest_age, so that healthy calls need not ask
constexpr auto before_retry = 250ms;
constexpr auto shortest_before_question = 10ms;  // after a key was written: a fleet does not ask all at once
constexpr auto longest_before_question = 40ms;
constexpr auto before_retry_when_refused = 5s;
constexpr auto shortest_between_polls = 4s;
constexpr auto longest_between_polls = 6s;
constexpr size_t most_polled = 10;
constexpr size_t most_refreshed = 100;  // the others are fetched when they are used

// Above this, subscribe to all of "cb:": Redis compares each prefix with every other one.
constexpr size_t most_base_names = 16;

// Of the hash of a snapshot; 0: there is none.
uint64_t generation_in(const redis::Reply& hash) {
  uint64_t generation = 0;
  if (!hash.error().empty() || hash->type != REDIS_REPLY_ARRAY) return generation;
  for (size_t i = 0; i + 1 < hash->elements; i += 2) {
    const std::string_view value = redis::text_of(*hash->element[i + 1]);
    if (redis::text_of(*hash->element[i]) == "generation") {
      std::from_chars(value.data(), value.data() + value.size(), generation);
    }
  }
  return generation;
}

// "volatile-lru"; empty if INFO's reply does not say.
std::string policy_in(std::string_view info) {
  constexpr std::string_view field = "\nmaxmemory_policy:";
  const auto at = info.find(field);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = info.substr(at + field.size());
  return std::string(rest.substr(0, rest.find('\r')));
}

int make_wake_fd() {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

}  // namespace

Synchronizer::Synchronizer(redis::Client& client, StoreGate& gate)
    : client_(client), wake_fd_(make_wake_fd()), gate_(gate) {
  gate_.when_changed([this] {
    const std::scoped_lock lock(mutex_);
    for (const auto& push_status : push_statuses_) push_status->session = 0;
    wake();
  });
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

Synchronizer::~Synchronizer() {
  thread_.request_stop();
  wake();
  thread_.join();
  close(wake_fd_);
}

void Synchronizer::add(SynchronizedBreaker& breaker, const std::string& base_name) {
  breakers_.add(breaker);
  {
    const std::scoped_lock lock(mutex_);
    if (std::find(base_names_.begin(), base_names_.end(), base_name) != base_names_.end()) return;
    base_names_.push_back(base_name);
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

PushStatus& Synchronizer::push_status_of(const redis::Origin& origin) {
  PushStatus& status = push_status(origin.node);
  if (status.run != origin.run) status.session = 0;
  return status;
}

void Synchronizer::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (gate_.is_available()) {
      subscribe_everywhere();
      for (auto& [node, entry] : subscriptions_) process(node, entry);
      refresh_due();
      breakers_.call_reports_due(SteadyClock::now());
      poll_some();
    } else {
      look_for_redis();
    }
    deliver(gate_.notices());
    wait();
  }
}

void Synchronizer::look_for_redis() {
  for (auto& [node, entry] : subscriptions_) unsubscribe(entry);
  if (SteadyClock::now() < look_for_redis_at_) return;
  std::chrono::milliseconds wait = before_retry;
  for (const std::string& name : breakers_.names(1)) {
    breakers_.for_each_named(name, [&](SynchronizedBreaker& breaker) {
      wait = gate_.try_to_reconnect([&] {
        subscribe_everywhere();  // before the writes are tried: the buffers of its connections take memory too
        return breaker.reconnect();
      });
    });
  }
  look_for_redis_at_ = SteadyClock::now() + wait;
}

void Synchronizer::subscribe_everywhere() {
  auto topics = this->topics();
  if (topics != subscribed_) {
    for (auto& [node, entry] : subscriptions_) unsubscribe(entry);
  }
  subscribed_ = std::move(topics);
  if (subscribed_.channels.empty()) return;
  std::unique_lock lock(mutex_);
  const size_t nodes = push_statuses_.size();
  lock.unlock();
  for (size_t node = 0; node < nodes; ++node) {
    const auto [entry, is_new] = subscriptions_.try_emplace(node, push_status(node));
    const bool due = !entry->second.subscription && SteadyClock::now() >= entry->second.retry_at;
    if (due) subscribe(node, entry->second);
  }
}

void Synchronizer::subscribe(size_t node, NodeSubscription& entry) {
  const SteadyTime now = coarse_steady_time();
  auto subscription = std::make_unique<Subscription>(client_, node, subscribed_);
  if (subscription->error().empty()) {
    entry.subscription = std::move(subscription);
    entry.next_check = SteadyClock::now() + between_checks;
    entry.push_status.run = entry.subscription->server().run;
    entry.push_status.confirmed_at = now;
    return;
  }
  const bool refused = subscription->is_refused();
  if (refused) gate_.report_problem("no pushes: " + subscription->error() + "; asking Redis once a second instead");
  entry.retry_at = SteadyClock::now() + (refused ? before_retry_when_refused : before_retry);
  if (!refused) refresh(breakers_.names(1));  // finds out whether Redis is unavailable
}

// Views that were fetched before the subscription may be stale, so they are fetched again.
void Synchronizer::begin_session(NodeSubscription& entry) {
  entry.has_session = true;
  entry.push_status.session = ++sessions_;
  if (!std::exchange(checked_eviction_, true)) warn_if_keys_may_be_evicted();
  const std::string& refused = entry.subscription->refused_news();
  if (!refused.empty())
    gate_.report_problem("no news of transitions: " + refused + "; asking Redis after each of them instead");
  refresh(breakers_.names(most_refreshed));
}

// Once, at the start. Not by CONFIG GET, which fewer users are allowed than INFO.
void Synchronizer::warn_if_keys_may_be_evicted() {
  const auto names = breakers_.names(1);
  const redis::Reply info = client_.command({"INFO", "memory"}, names.empty() ? "" : names.front());
  if (!info.error().empty()) return;
  const std::string policy = policy_in(redis::text_of(*info));
  if (policy.empty() || policy == "noeviction") return;
  gate_.report_problem("maxmemory-policy is " + policy +
                       ": a full Redis may evict breakers, and instances restore them; better is noeviction");
}

void Synchronizer::process(size_t node, NodeSubscription& entry) {
  if (!entry.subscription) return;
  if (!entry.has_session) begin_session(entry);
  if (entry.subscription->has_input()) {
    const Announcements announcements = entry.subscription->receive(redis::Deadline(client_.timeout()));
    if (announcements.all_keys)
      entry.push_status.session = ++sessions_;  // the views that are not fetched now are stale too
    handle(announcements);
    if (!entry.subscription->error().empty()) return unsubscribe(entry);
    if (announcements.pong) {
      client_.record_round_trip(
          std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - entry.pinged_at));
      entry.push_status.confirmed_at = entry.checked_at;
      entry.pong_due.reset();
    }
  }
  const auto now = SteadyClock::now();
  // Unread input may contain the pong: then this thread is late, not Redis.
  const bool silent = !entry.subscription->has_input();
  if (entry.pong_due && now >= *entry.pong_due && silent) {
    client_.drop_idle(node);
    return unsubscribe(entry);
  }
  if (now >= entry.next_check && !entry.pong_due) check(node, entry);
}

void Synchronizer::unsubscribe(NodeSubscription& entry) {
  entry.push_status.session = 0;
  entry.has_session = false;
  entry.subscription.reset();
  entry.pong_due.reset();
  entry.retry_at = SteadyClock::now();  // immediately
}

// What others write may go elsewhere by now: to another server (a failover, a moved address), or into another database
// (SWAPDB), while the connection that listens stays up. So a new connection must lead to the server that is listened
// to, and find there what this instance knows. Then a ping proves that every push up to now has arrived.
void Synchronizer::check(size_t node, NodeSubscription& entry) {
  entry.checked_at = coarse_steady_time();
  entry.next_check = SteadyClock::now() + between_checks;
  const auto fresh = client_.connect(node);
  if (!fresh->error().empty()) {
    entry.next_check = SteadyClock::now() + before_retry;
    return refresh(breakers_.names(1));  // finds out whether Redis is unavailable
  }
  const bool listens_there = fresh->server() == entry.subscription->server() && entry.push_status.session != 0;
  if (!listens_there) return unsubscribe(entry);
  const std::string changed = breaker_in_another_database(*fresh);
  if (!changed.empty()) {
    entry.push_status.session = ++sessions_;  // the other views are stale too
    refresh({changed});
  }
  ping(entry);
}

// A generation never repeats, so another one than the view has, of which no push came, is another database's.
std::string Synchronizer::breaker_in_another_database(redis::Connection& fresh) const {
  const BreakerList::Known known = breakers_.any_known();
  if (client_.is_cluster() || known.name.empty()) return "";
  const redis::Reply hash =
      fresh.command({"HGETALL", client_.prefix(known.name) + "breaker"}, redis::Deadline(client_.timeout()));
  const uint64_t found = generation_in(hash);
  const bool same = found == known.generation || found == breakers_.any_known().generation;  // it may just have changed
  return same ? "" : known.name;
}

void Synchronizer::ping(NodeSubscription& entry) {
  entry.pinged_at = SteadyClock::now();
  entry.pong_due = entry.pinged_at + client_.timeout();
  entry.subscription->ping(redis::Deadline(client_.timeout()));
  if (!entry.subscription->error().empty()) unsubscribe(entry);
}

void Synchronizer::handle(const Announcements& announcements) {
  for (const std::string& text : announcements.news) {
    const auto [name, news] = parse_news(text);
    breakers_.for_each_named(name, [&, &what = news](SynchronizedBreaker& breaker) { breaker.on_news(what); });
  }
  if (announcements.all_keys) return refresh(breakers_.names(most_refreshed));
  for (const std::string& text : announcements.keys) {
    const KeyName written = parse_key(text);
    if (!is_watched(written)) continue;
    breakers_.for_each_named(written.breaker, [&](SynchronizedBreaker& breaker) {
      if (breaker.on_key_written(written.key)) spread(written.breaker);
    });
  }
}

// A transition that an instance made has been announced to all; what other programs wrote may wait for a moment.
void Synchronizer::spread(const std::string& name) {
  using Ms = std::chrono::milliseconds;
  std::uniform_int_distribution<Ms::rep> wait(Ms(shortest_before_question).count(),
                                              Ms(longest_before_question).count());
  due_.try_emplace(name, SteadyClock::now() + Ms(wait(random_)));
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

// A safety net in case a push is lost.
void Synchronizer::poll_some() {
  const auto now = SteadyClock::now();
  if (now < next_poll_) return;
  const bool first = next_poll_ == SteadyClock::time_point{};
  using Ms = std::chrono::milliseconds;
  std::uniform_int_distribution<Ms::rep> jitter(Ms(shortest_between_polls).count(), Ms(longest_between_polls).count());
  next_poll_ = now + Ms(jitter(random_));
  if (first) return;
  const auto names = breakers_.names(most_polled, polled_last_);
  if (!names.empty()) polled_last_ = names.back();
  refresh(names);
}

void Synchronizer::refresh(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    breakers_.for_each_named(name, [](SynchronizedBreaker& breaker) { breaker.refresh(); });
  }
}

void Synchronizer::wait() {
  std::vector<pollfd> descriptors{{wake_fd_, POLLIN, 0}};
  for (const auto& [node, entry] : subscriptions_) {
    if (entry.subscription) descriptors.push_back({entry.subscription->fd(), POLLIN, 0});
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_due() - SteadyClock::now()).count();
  poll(descriptors.data(), descriptors.size(), static_cast<int>(std::clamp<int64_t>(left, 0, 60'000)));
  uint64_t woken = 0;
  [[maybe_unused]] const auto drained = read(wake_fd_, &woken, sizeof woken);
}

void Synchronizer::wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_fd_, &one, sizeof one);
}

Synchronizer::SteadyClock::time_point Synchronizer::next_due() const {
  if (!gate_.is_available()) return look_for_redis_at_;
  auto due = std::min(next_poll_, breakers_.next_report_due());
  for (const auto& [name, at] : due_) due = std::min(due, at);
  for (const auto& [node, entry] : subscriptions_) {
    due = std::min(due, !entry.subscription ? entry.retry_at : entry.pong_due.value_or(entry.next_check));
  }
  return due;
}

Subscription::Topics Synchronizer::topics() const {
  const std::scoped_lock lock(mutex_);
  Subscription::Topics topics;
  for (const std::string& name : base_names_) topics.channels.push_back(client_.channel(name));
  if (base_names_.size() > most_base_names) {
    topics.prefixes = {"cb:"};
    return topics;
  }
  for (const std::string& name : base_names_) {
    for (const char* key : watched_keys) topics.prefixes.push_back(client_.prefix(name) + key);
    const std::string contexts = client_.prefix(name + Identity::separator);
    topics.prefixes.push_back(contexts.substr(0, contexts.rfind(Identity::separator) + 1));
  }
  return topics;
}

}  // namespace cb
