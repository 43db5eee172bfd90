#include "load_generator/load/engine.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <tuple>

#include "load_generator/api/http_loop.hpp"
#include "load_generator/load/instance_clock.hpp"
#include "program/address.hpp"

namespace load {
namespace {

using Clock = HttpLoop::Clock;
using std::chrono::milliseconds;

constexpr milliseconds status_timeout{1000};
constexpr milliseconds last_status_timeout{300};
constexpr Offset close_poll = milliseconds(10);
constexpr Offset tick_every = milliseconds(100);
constexpr Offset one_second = std::chrono::seconds(1);

// A count below the earlier one was reset by a restart in between.
void subtract(std::optional<uint64_t> before, std::optional<uint64_t>& count) {
  if (before && count && *count >= *before) *count -= *before;
}

class Engine {
 public:
  Engine(const std::vector<Target>& targets, const EngineSettings& settings, const program::StopSignal& stop,
         RunObserver& observer)
      : settings_(settings),
        stop_(stop),
        observer_(observer),
        plan_(plan_calls(settings.load, targets.size())),
        poll_under_way_(targets.size(), false),
        has_answered_(targets.size(), false),
        clocks_(targets.size()),
        last_transition_(targets.size(), Offset::min()) {
    run_.targets = targets;
    run_.target_rate = settings.load.rate;
    run_.samples.resize(targets.size());
    run_.would_have_tripped.resize(targets.size());
    run_.calls.resize(plan_.size());
    second_.states.assign(targets.size(), State::unknown);
  }

  Run run() {
    poll_all(status_timeout);
    settle_polls(status_timeout);  // so that what happened before the load is known, and can be left out
    run_.transitions.clear();
    for (auto& samples : run_.samples) samples.clear();
    const auto before = run_.would_have_tripped;
    begin();
    while (!over()) {
      start_due_work();
      loop_.wait_until(start_ + next_event(), stop_.fd());
    }
    finish();
    for (size_t target = 0; target < before.size(); ++target) {
      subtract(before[target], run_.would_have_tripped[target]);
    }
    return std::move(run_);
  }

 private:
  void begin() {
    const auto preparing = Clock::now();
    observer_.load_starts();
    start_ = Clock::now();
    clocks_.assign(clocks_.size(), {});
    last_transition_.assign(last_transition_.size(), Offset::min());
    has_begun_ = true;
    prepared_from_ = std::chrono::floor<Offset>(preparing - start_);
    next_poll_ = Offset(0);
  }

  Offset now() const { return std::chrono::duration_cast<Offset>(Clock::now() - start_); }
  Offset poll_interval() const {
    return settings_.poll_closely_from && now() >= *settings_.poll_closely_from ? close_poll : settings_.poll_every;
  }

  bool over() {
    run_.interrupted = stop_.requested();
    const bool all_done = next_call_ == plan_.size() && unanswered_ == 0 && !has_action();
    return run_.interrupted || (now() >= settings_.load.duration && all_done);
  }

  Offset next_event() const {
    Offset next = std::min({next_poll_, next_tick_, one_second * (second_.number + 1)});
    if (next_call_ < plan_.size()) next = std::min(next, plan_[next_call_].due);
    if (has_action()) next = std::min(next, next_action().at);
    return now() < settings_.load.duration ? std::min<Offset>(next, settings_.load.duration) : next;
  }

  const TimedAction& next_action() const { return settings_.actions[actions_run_]; }
  bool has_action() const { return actions_run_ < settings_.actions.size(); }

  void start_due_work() {
    if (one_second * (second_.number + 1) <= now())
      end_second();  // first: a call that is due now belongs to the next one
    while (next_call_ < plan_.size() && plan_[next_call_].due <= now()) start_call(next_call_++);
    while (has_action() && next_action().at <= now()) settings_.actions[actions_run_++].run();
    if (next_poll_ <= now()) poll_all(status_timeout);
    if (next_tick_ > now()) return;
    next_tick_ = now() + tick_every;
    observer_.tick(now());
  }

  void start_call(size_t index) {
    const PlannedCall& planned = plan_[index];
    run_.last_send = now();
    run_.calls[index].sent_late = run_.last_send - planned.due;
    second_.sent += 1;
    unanswered_ += 1;
    loop_.get(run_.targets[planned.target].url + "/call", settings_.request_timeout,
              [this, index](const program::HttpReply& reply) { record(index, read_call(reply)); });
  }

  void record(size_t index, Call call) {
    call.target = plan_[index].target;
    call.intended = plan_[index].due;
    call.latency = now() - call.intended;
    call.sent_late = run_.calls[index].sent_late;
    run_.calls[index] = call;
    unanswered_ -= 1;
    switch (call.status) {
      case CallStatus::success:
        second_.ok += 1;
        break;
      case CallStatus::failure:
      case CallStatus::exception:
        second_.failed += 1;
        break;
      case CallStatus::blocked:
        second_.blocked += 1;
        break;
      case CallStatus::unreachable:
        second_.unreachable += 1;
        break;
    }
    observer_.call_ended(call);
  }

  void poll_all(milliseconds timeout) {
    next_poll_ = now() + poll_interval();
    for (size_t target = 0; target < run_.targets.size(); ++target) {
      if (poll_under_way_[target]) continue;
      poll_under_way_[target] = true;
      loop_.get(run_.targets[target].url + "/status", timeout,
                [this, target](const program::HttpReply& reply) { record_status(target, read_status(reply)); });
    }
  }

  void record_status(size_t target, const std::optional<InstanceStatus>& status) {
    poll_under_way_[target] = false;
    second_.states[target] = status ? status->state : State::unknown;
    run_.samples[target].push_back({now(), second_.states[target], status && status->local});
    if (status) {
      if (status->at_epoch_ms > 0) clocks_[target].learn(status->at_epoch_ms, now());
      run_.would_have_tripped[target] = status->would_have_tripped;
      run_.shared_breaker = run_.shared_breaker || status->shared_breaker;
      for (const ReportedTransition& reported : status->transitions) record_transition(target, reported);
      has_answered_[target] = true;
    }
    observer_.status_polled(target, status, now());
  }

  void record_transition(size_t target, const ReportedTransition& reported) {
    const Offset at = when(target, reported);  // of known ones too: each answer makes the clocks' difference more exact
    const bool is_known =
        !known_transitions_.emplace(target, reported.generation, reported.to, reported.at_epoch_ms).second;
    if (is_known || at < prepared_from_) return;
    const bool local = reported.cause.starts_with("local: ");
    run_.transitions.push_back({target, reported.generation, reported.from, reported.to, reported.cause, at, local});
    if (has_begun_) observer_.transition_reported(run_.transitions.back());
  }

  // An instance lists its transitions in order. One that the poll before the load did not report happened after it.
  Offset when(size_t target, const ReportedTransition& reported) {
    const Offset at = clocks_[target].offset_of(reported.at_epoch_ms, reported.age_ms, now());
    last_transition_[target] = std::max(last_transition_[target], at);
    return has_answered_[target] ? std::max(last_transition_[target], prepared_from_) : last_transition_[target];
  }

  void end_second() {
    second_.number += 1;
    observer_.second_ended(second_);
    second_ = {second_.number, 0, 0, 0, 0, 0, second_.states};
  }

  // Waits for the answers to GET /status that are under way, at most `timeout`.
  void settle_polls(milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    const auto under_way = [this] { return std::count(poll_under_way_.begin(), poll_under_way_.end(), true) > 0; };
    while (under_way() && Clock::now() < deadline) loop_.wait_until(deadline, -1);
  }

  void finish() {
    run_.length = now();
    if (run_.interrupted) {
      loop_.abandon();
      std::fill(poll_under_way_.begin(), poll_under_way_.end(), false);
      drop_unsent_calls();
    }
    settle_polls(last_status_timeout);
    poll_all(last_status_timeout);
    settle_polls(last_status_timeout);
    if (second_.sent + second_.ok + second_.failed + second_.blocked + second_.unreachable > 0) end_second();
    std::sort(run_.transitions.begin(), run_.transitions.end(), [](const Transition& a, const Transition& b) {
      return std::tie(a.at, a.generation) < std::tie(b.at, b.generation);
    });
  }

  // A call that was sent and not answered stays, as `unreachable`: the upstream may or may not have seen it.
  void drop_unsent_calls() {
    run_.calls.resize(next_call_);
    for (size_t index = 0; index < next_call_; ++index) {
      Call& call = run_.calls[index];
      if (call.latency == Offset(0)) {  // never recorded
        call.target = plan_[index].target;
        call.intended = plan_[index].due;
        call.latency = run_.length - call.intended;
        call.error = "the run ended first";
      }
    }
  }

  const EngineSettings& settings_;
  const program::StopSignal& stop_;
  RunObserver& observer_;
  const std::vector<PlannedCall> plan_;
  Run run_;
  Clock::time_point start_ = Clock::now();
  Offset prepared_from_{0};  // when load_starts() was called
  bool has_begun_ = false;
  size_t next_call_ = 0;
  size_t unanswered_ = 0;
  size_t actions_run_ = 0;
  Offset next_poll_{0};
  Offset next_tick_{0};
  SecondSummary second_;
  std::vector<bool> poll_under_way_;
  std::vector<bool> has_answered_;  // these three by target
  std::vector<InstanceClock> clocks_;
  std::vector<Offset> last_transition_;
  std::set<std::tuple<size_t, uint64_t, State, int64_t>> known_transitions_;
  HttpLoop loop_;  // last: its callbacks refer to all the others
};

std::string why_not(const program::HttpReply& reply) {
  return reply.status == 0 ? reply.error : "HTTP " + std::to_string(reply.status) + ", but not the status of one";
}

std::string how_to_start(const std::string& url) {
  return "start one with: distributed_breaker --port " + std::to_string(cb::net::parse_url(url).hosts[0].port);
}

void add_target(std::vector<Target>& targets, const Target& target) {
  targets.push_back(target);
  targets.back().name = unique_name(targets, targets.size() - 1, target.name);
  if (targets.back().name != target.name) targets.back().own_name = target.name;
}

}  // namespace

std::vector<Target> find_targets(const std::vector<std::string>& urls, const program::StopSignal& stop) {
  std::vector<program::HttpReply> replies(urls.size());
  size_t pending = urls.size();
  HttpLoop loop;
  for (size_t i = 0; i < urls.size(); ++i) {
    loop.get(urls[i] + "/status", status_timeout, [&replies, &pending, i](const program::HttpReply& reply) {
      replies[i] = reply;
      pending -= 1;
    });
  }
  while (pending > 0 && !stop.requested()) loop.wait_until(Clock::now() + status_timeout, stop.fd());
  loop.abandon();
  std::vector<Target> targets;
  bool answered = stop.requested();
  for (size_t i = 0; i < urls.size(); ++i) {
    const auto status = read_status(replies[i]);
    add_target(targets, {status && !status->name.empty() ? status->name : urls[i], urls[i]});
    answered = answered || status;
  }
  if (!answered) {
    throw std::runtime_error("no instance answers at " + urls.at(0) + " (" + why_not(replies.at(0)) + "); " +
                             how_to_start(urls.at(0)));
  }
  return targets;
}

Run run_load(const std::vector<Target>& targets, const EngineSettings& settings, const program::StopSignal& stop,
             RunObserver& observer) {
  return Engine(targets, settings, stop, observer).run();
}

}  // namespace load
