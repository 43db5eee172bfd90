#include "load_generator/live/fleet_poller.hpp"

#include <algorithm>
#include <utility>

#include "load_generator/live/page_update.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds poll_every{100};
constexpr milliseconds answer_timeout{1000};

}  // namespace

Watcher::Watcher(WatchedFleet fleet, Instances instances, std::function<void()> news)
    : fleet_(std::move(fleet)),
      instances_(instances),
      news_(std::move(news)),
      window_(fleet_, moment_since(start_).epoch_ms),
      under_way_(fleet_.targets.size() + 2, false),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Watcher::~Watcher() {
  thread_.request_stop();
  wake_fd_.notify();
}

Watcher::Frame Watcher::frame(const Place& from) const {
  const std::scoped_lock lock(mutex_);
  const Offset now = this->now();
  const Place place{window_.edition(), window_.place(), now};
  const Offset window = std::max(Offset(0), now - LiveWindow::length);
  const bool has_seen_some = from.edition == place.edition;
  const Offset news = has_seen_some ? std::min(from.until, window_.changes_since(from.seen)) : window;
  return {live_frame(window_, now, std::max(window, news)), place};
}

std::optional<std::string> Watcher::caller_name(const std::string& instance) const {
  const std::scoped_lock lock(mutex_);
  const auto& targets = window_.run().targets;
  const auto found =
      std::find_if(targets.begin(), targets.end(), [&](const Target& target) { return target.name == instance; });
  if (found == targets.end()) return std::nullopt;
  const std::string& name = window_.instances()[static_cast<size_t>(found - targets.begin())].status.name;
  return name.empty() ? std::nullopt : std::optional(name);
}

std::vector<Target> Watcher::who_answers() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Target> targets;
  for (size_t i = 0; i < fleet_.targets.size(); ++i) {
    if (window_.instances()[i].answers) targets.push_back(window_.run().targets[i]);
  }
  return targets;
}

void Watcher::run(const std::stop_token& stop) {
  auto next_poll = Clock::now();
  while (!stop.stop_requested()) {
    if (next_poll <= Clock::now()) {
      poll();
      next_poll = std::max(next_poll + poll_every, Clock::now());
    }
    loop_.wait_until(next_poll, wake_fd_.fd());
  }
  loop_.abandon();
}

void Watcher::tell(size_t target, const std::optional<InstanceStatus>& status) {
  std::unique_lock lock(mutex_);
  const bool news = window_.take_status(target, moment_since(start_), status);
  lock.unlock();
  if (news) news_();
}

void Watcher::ask_instances() {
  for (size_t target = 0; target < fleet_.targets.size(); ++target) {
    ask(target, fleet_.targets[target].url + "/status",
        [this, target](const program::HttpReply& reply) { tell(target, read_status(reply)); });
  }
}

void Watcher::poll() {
  if (instances_ == Instances::asked) ask_instances();
  const size_t targets = fleet_.targets.size();
  ask(targets, fleet_.upstream + "/fault", [this](const program::HttpReply& reply) {
    const auto fault = read_fault(reply);
    std::unique_lock lock(mutex_);
    const bool news = window_.take_fault(fault);
    lock.unlock();
    if (news) news_();
  });
  ask(targets + 1, fleet_.upstream + "/ledger", [this](const program::HttpReply& reply) {
    const auto ledger = reply.status == 200 ? read_ledger(reply.body) : std::nullopt;
    const std::scoped_lock lock(mutex_);
    window_.take_ledger(now(), ledger);
  });
}

// One of a kind is under way at a time.
void Watcher::ask(size_t question, const std::string& url, HttpLoop::Done take) {
  if (under_way_[question]) return;
  under_way_[question] = true;
  loop_.get(url, answer_timeout, [this, question, take = std::move(take)](const program::HttpReply& reply) {
    under_way_[question] = false;
    take(reply);
  });
}

}  // namespace load
