#include "load_generator/live/fleet_poller.hpp"

#include <algorithm>
#include <utility>

namespace load {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds poll_every{100};
constexpr milliseconds answer_timeout{1000};

}  // namespace

FleetPoller::FleetPoller(WatchedFleet fleet, Statuses statuses, std::function<void()> changed)
    : fleet_(std::move(fleet)),
      statuses_(statuses),
      changed_(std::move(changed)),
      history_(fleet_, std::chrono::system_clock::now().time_since_epoch() / milliseconds(1)),
      under_way_(fleet_.targets.size() + 2, false),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

FleetPoller::~FleetPoller() {
  thread_.request_stop();
  wake_fd_.notify();
}

FleetPoller::Update FleetPoller::update_since(const Cursor& cursor) const {
  const std::scoped_lock lock(mutex_);
  const Offset now = this->now();
  const Offset oldest = std::max(Offset(0), now - RecentHistory::length);
  const bool same_edition = cursor.edition == history_.edition();
  const Offset changed = same_edition ? std::min(cursor.until, history_.changed_since(cursor.revision)) : oldest;
  return {history_.snapshot(now), std::max(oldest, changed), {history_.edition(), history_.revision(), now}};
}

FleetSnapshot FleetPoller::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return history_.snapshot(now());
}

std::optional<std::string> FleetPoller::caller_name(const std::string& instance) const {
  const std::scoped_lock lock(mutex_);
  const auto& targets = history_.run().targets;
  const auto found =
      std::find_if(targets.begin(), targets.end(), [&](const Target& target) { return target.name == instance; });
  if (found == targets.end()) return std::nullopt;
  const std::string& name = history_.instances()[static_cast<size_t>(found - targets.begin())].status.name;
  return name.empty() ? std::nullopt : std::optional(name);
}

std::vector<Target> FleetPoller::answering_targets() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Target> targets;
  for (size_t i = 0; i < fleet_.targets.size(); ++i) {
    if (history_.instances()[i].answers) targets.push_back(history_.run().targets[i]);
  }
  return targets;
}

void FleetPoller::run(const std::stop_token& stop) {
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

void FleetPoller::report_status(size_t target, const std::optional<InstanceStatus>& status) {
  std::unique_lock lock(mutex_);
  const bool has_changed = history_.record_status(target, now(), status);
  lock.unlock();
  if (has_changed) changed_();
}

void FleetPoller::poll() {
  const size_t targets = fleet_.targets.size();
  for (size_t target = 0; statuses_ == Statuses::polled && target < targets; ++target) {
    request(target, fleet_.targets[target].url + "/status",
            [this, target](const program::HttpReply& reply) { report_status(target, read_status(reply)); });
  }
  request(targets, fleet_.upstream + "/fault", [this, asked = now()](const program::HttpReply& reply) {
    const auto fault = read_fault(reply);
    std::unique_lock lock(mutex_);
    const bool has_changed = history_.record_fault(asked, fault);
    lock.unlock();
    if (has_changed) changed_();
  });
  request(targets + 1, fleet_.upstream + "/ledger", [this](const program::HttpReply& reply) {
    const auto ledger = reply.status == 200 ? read_ledger(reply.body) : std::nullopt;
    const std::scoped_lock lock(mutex_);
    history_.record_ledger(now(), ledger);
  });
}

void FleetPoller::request(size_t kind, const std::string& url, HttpLoop::Done record) {
  if (under_way_[kind]) return;
  under_way_[kind] = true;
  loop_.get(url, answer_timeout, [this, kind, record = std::move(record)](const program::HttpReply& reply) {
    under_way_[kind] = false;
    record(reply);
  });
}

}  // namespace load
