#include "redis_breaker/sync/synchronizer.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

namespace cb {
namespace {

using namespace std::chrono_literals;

constexpr auto between_pings = 250ms;
constexpr auto before_listening_again = 250ms;
constexpr auto before_asking_leave_again = 5s;
constexpr auto shortest_between_polls = 4s;
constexpr auto longest_between_polls = 6s;
constexpr size_t most_polled = 10;
constexpr size_t most_refreshed = 100;  // others are asked for when they are used

// Of more names than these everything is listened to: Redis compares each prefix with each.
constexpr size_t most_base_names = 16;

// What of a breaker's keys is worth hearing of: not the window, which every report writes.
constexpr std::array watched_keys{"state", "failures", "last_failure", "breaker", "probes"};

struct KeyName {
  std::string breaker;
  std::string key;
};

// "cb:NAME:key" or "cb:{NAME}:key"
KeyName parse(const std::string& text) {
  const auto colon = text.rfind(':');
  if (text.rfind("cb:", 0) != 0 || colon < 3 || colon == std::string::npos) return {};
  std::string name = text.substr(3, colon - 3);
  if (name.size() > 2 && name.front() == '{' && name.back() == '}') name = name.substr(1, name.size() - 2);
  return {std::move(name), text.substr(colon + 1)};
}

// Redis refuses prefixes that overlap: "cb:pay/" holds all of "cb:pay/cards:".
std::vector<std::string> without_those_within_others(const std::vector<std::string>& prefixes) {
  std::vector<std::string> apart;
  std::copy_if(prefixes.begin(), prefixes.end(), std::back_inserter(apart), [&](const std::string& inner) {
    return std::none_of(prefixes.begin(), prefixes.end(), [&](const std::string& outer) {
      return outer.size() < inner.size() && inner.rfind(outer, 0) == 0;
    });
  });
  return apart;
}

int make_wake_fd() {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

}  // namespace

Link::Link(redis::Client& client, Listener listener)
    : client_(client),
      wake_fd_(make_wake_fd()),
      guard_(std::move(listener),
             [this] {
               const std::scoped_lock lock(mutex_);
               for (const auto& feed : feeds_) feed->session = 0;
               wake();
             }),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

Link::~Link() {
  thread_.request_stop();
  wake();
  thread_.join();
  close(wake_fd_);
}

void Link::add(LinkMember& member, const std::string& base_name) {
  roster_.add(member);
  {
    const std::scoped_lock lock(mutex_);
    if (std::find(base_names_.begin(), base_names_.end(), base_name) != base_names_.end()) return;
    base_names_.push_back(base_name);
  }
  wake();
}

void Link::report_soon(LinkMember& member) {
  roster_.report_soon(member);
  wake();
}

PushFeed& Link::feed(size_t node) {
  const std::scoped_lock lock(mutex_);
  while (feeds_.size() <= node) feeds_.push_back(std::make_unique<PushFeed>());
  return *feeds_[node];
}

void Link::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (guard_.is_joined()) {
      listen_everywhere();
      for (auto& [node, listening] : listening_) serve(listening);
      roster_.call_reports_due(SteadyClock::now());
      poll_slowly();
    } else {
      look_for_redis();
    }
    wait();
  }
}

void Link::look_for_redis() {
  for (auto& [node, listening] : listening_) stop_listening(listening);
  if (SteadyClock::now() < look_for_redis_at_) return;
  std::chrono::milliseconds wait = between_pings;
  for (const std::string& name : roster_.names(1)) {
    roster_.with(name, [&](LinkMember& member) { wait = guard_.try_to_join([&] { return member.join(); }); });
  }
  look_for_redis_at_ = SteadyClock::now() + wait;
}

void Link::listen_everywhere() {
  auto prefixes = this->prefixes();
  if (prefixes != listens_for_) {
    for (auto& [node, listening] : listening_) stop_listening(listening);
  }
  listens_for_ = std::move(prefixes);
  if (listens_for_.empty()) return;
  std::unique_lock lock(mutex_);
  const size_t nodes = feeds_.size();
  lock.unlock();
  for (size_t node = 0; node < nodes; ++node) {
    const auto [listening, is_new] = listening_.try_emplace(node, feed(node));
    const bool due = !listening->second.subscription && SteadyClock::now() >= listening->second.retry_at;
    if (due) listen_to(node, listening->second);
  }
}

// What was asked for before this may be old by now, so it is asked for again.
void Link::listen_to(size_t node, Listening& listening) {
  const int64_t now = coarse_now();
  auto subscription = std::make_unique<Subscription>(client_, node, listens_for_);
  if (subscription->error().empty()) {
    listening.subscription = std::move(subscription);
    listening.next_ping = SteadyClock::now() + between_pings;
    listening.feed.confirmed_at = now;
    listening.feed.session = ++sessions_;
    return refresh(roster_.names(most_refreshed));
  }
  const bool refused = subscription->is_refused();
  if (refused) guard_.complain("no pushes: " + subscription->error() + "; asking Redis once a second instead");
  listening.retry_at = SteadyClock::now() + (refused ? before_asking_leave_again : before_listening_again);
  if (!refused) refresh(roster_.names(1));  // it may be away
}

void Link::serve(Listening& listening) {
  if (!listening.subscription) return;
  if (listening.subscription->has_input()) {
    const Heard heard = listening.subscription->report_health(redis::Deadline(client_.timeout()));
    if (heard.everything) listening.feed.session = ++sessions_;  // also those that are not fetched at once are old
    follow(heard);
    if (!listening.subscription->error().empty()) return stop_listening(listening);
    if (heard.pong) listening.feed.confirmed_at = listening.pinged_at;
    if (heard.pong) listening.pong_due.reset();
  }
  const auto now = SteadyClock::now();
  // What has come meanwhile may hold the pong: it is this thread then that is late, and not Redis.
  const bool silent = !listening.subscription->has_input();
  if (listening.pong_due && now >= *listening.pong_due && silent) return stop_listening(listening);
  if (now >= listening.next_ping && !listening.pong_due) ping(listening);
}

void Link::stop_listening(Listening& listening) {
  listening.feed.session = 0;
  listening.subscription.reset();
  listening.pong_due.reset();
  listening.retry_at = SteadyClock::now();  // at once
}

void Link::ping(Listening& listening) {
  const auto now = SteadyClock::now();
  listening.pinged_at = coarse_now();
  listening.next_ping = now + between_pings;
  listening.pong_due = now + client_.timeout();
  listening.subscription->ping(redis::Deadline(client_.timeout()));
  if (!listening.subscription->error().empty()) stop_listening(listening);
}

void Link::follow(const Heard& heard) {
  if (heard.everything) return refresh(roster_.names(most_refreshed));
  std::set<std::string> changed;
  for (const std::string& text : heard.keys) {
    const KeyName written = parse(text);
    roster_.with(written.breaker, [&](LinkMember& member) {
      if (member.on_key_written(written.key)) changed.insert(written.breaker);
    });
  }
  refresh({changed.begin(), changed.end()});
}

// A net under the pushes, in case that one is lost.
void Link::poll_slowly() {
  const auto now = SteadyClock::now();
  if (now < next_poll_) return;
  const bool first = next_poll_ == SteadyClock::time_point{};
  using Ms = std::chrono::milliseconds;
  std::uniform_int_distribution<Ms::rep> jitter(Ms(shortest_between_polls).count(), Ms(longest_between_polls).count());
  next_poll_ = now + Ms(jitter(dice_));
  if (first) return;
  const auto names = roster_.names(most_polled, polled_last_);
  if (!names.empty()) polled_last_ = names.back();
  refresh(names);
}

void Link::refresh(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    roster_.with(name, [](LinkMember& member) { member.refresh(); });
  }
}

void Link::wait() {
  std::vector<pollfd> descriptors{{wake_fd_, POLLIN, 0}};
  for (const auto& [node, listening] : listening_) {
    if (listening.subscription) descriptors.push_back({listening.subscription->fd(), POLLIN, 0});
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_due() - SteadyClock::now()).count();
  poll(descriptors.data(), descriptors.size(), static_cast<int>(std::clamp<int64_t>(left, 0, 60'000)));
  uint64_t woken = 0;
  [[maybe_unused]] const auto drained = read(wake_fd_, &woken, sizeof woken);
}

void Link::wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_fd_, &one, sizeof one);
}

Link::SteadyClock::time_point Link::next_due() const {
  if (!guard_.is_joined()) return look_for_redis_at_;
  auto due = std::min(next_poll_, roster_.next_report_due());
  for (const auto& [node, listening] : listening_) {
    due =
        std::min(due, !listening.subscription ? listening.retry_at : listening.pong_due.value_or(listening.next_ping));
  }
  return due;
}

std::vector<std::string> Link::prefixes() const {
  const std::scoped_lock lock(mutex_);
  if (base_names_.size() > most_base_names) return {"cb:"};
  std::vector<std::string> prefixes;
  for (const std::string& name : base_names_) {
    for (const char* key : watched_keys) prefixes.push_back(client_.prefix(name) + key);
    const std::string contexts = client_.prefix(name + "/");
    prefixes.push_back(contexts.substr(0, contexts.rfind('/') + 1));
  }
  return without_those_within_others(prefixes);
}

}  // namespace cb
