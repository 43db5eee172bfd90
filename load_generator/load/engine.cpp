#include "load_generator/load/engine.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <tuple>

#include "load_generator/api/http_loop.hpp"
#include "load_generator/load/event_dates.hpp"

namespace load {
namespace {

using Clock = HttpLoop::Clock;
using std::chrono::milliseconds;

constexpr milliseconds status_timeout{1000};
constexpr milliseconds last_status_timeout{300};
constexpr Offset close_poll = milliseconds(10);
constexpr Offset tick_every = milliseconds(100);
constexpr Offset one_second = std::chrono::seconds(1);

constexpr Offset long_ago = Offset::min() / 4;  // and still no overflow

// A date is a whole millisecond, rounded down; where this is rounded up nothing seems later than it was.
int64_t date_of_now() {
  return std::chrono::ceil<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A count that is lower than before began anew in between.
void leave_out(std::optional<uint64_t> before, std::optional<uint64_t>& count) {
  if (before && count && *count >= *before) *count -= *before;
}

class Engine {
 public:
  Engine(const std::vector<Target>& targets, const EngineSettings& settings, const program::StopSignal& stop,
         const Observers& observers)
      : settings_(settings),
        stop_(stop),
        observers_(observers),
        plan_(plan_calls(settings.load, targets.size())),
        poll_under_way_(targets.size(), false),
        heard_(targets.size()) {
    run_.targets = targets;
    run_.target_rate = settings.load.rate;
    run_.samples.resize(targets.size());
    run_.would_have_tripped.resize(targets.size());
    run_.calls.resize(plan_.size());
    second_.states.assign(targets.size(), State::unknown);
  }

  Run run() {
    poll_all(status_timeout);
    settle_polls(status_timeout);  // what had happened before the load is none of its business
    run_.transitions.clear();
    for (auto& samples : run_.samples) samples.clear();
    const auto before = run_.would_have_tripped;
    begin();
    while (!over()) {
      start_what_is_due();
      loop_.wait_until(start_ + next_event(), stop_.fd());
    }
    finish();
    for (size_t target = 0; target < before.size(); ++target)
      leave_out(before[target], run_.would_have_tripped[target]);
    return std::move(run_);
  }

 private:
  void begin() {
    const auto preparing = Clock::now();
    if (observers_.start) observers_.start();
    start_ = Clock::now();
    dates_ = EventDates(date_of_now());
    prepared_from_ = std::chrono::floor<Offset>(preparing - start_);
    for (auto& heard : heard_) {
      if (heard) heard = prepared_from_;
    }
    next_poll_ = Offset(0);
  }

  Offset now() const { return std::chrono::duration_cast<Offset>(Clock::now() - start_); }
  Offset poll_interval() const {
    return settings_.poll_closely_from && now() >= *settings_.poll_closely_from ? close_poll : settings_.poll_every;
  }

  bool over() {
    run_.interrupted = stop_.requested();
    return run_.interrupted || (now() >= settings_.load.duration && next_call_ == plan_.size() && unanswered_ == 0);
  }

  Offset next_event() const {
    Offset next = std::min({next_poll_, next_tick_, one_second * (second_.number + 1)});
    if (next_call_ < plan_.size()) next = std::min(next, plan_[next_call_].due);
    if (has_appointment()) next = std::min(next, next_appointment().at);
    return now() < settings_.load.duration ? std::min<Offset>(next, settings_.load.duration) : next;
  }

  const Appointment& next_appointment() const { return observers_.appointments[appointments_kept_]; }
  bool has_appointment() const { return appointments_kept_ < observers_.appointments.size(); }

  void start_what_is_due() {
    if (one_second * (second_.number + 1) <= now()) end_second();  // first: a call that is due now is in the next one
    while (next_call_ < plan_.size() && plan_[next_call_].due <= now()) start_call(next_call_++);
    while (has_appointment() && next_appointment().at <= now()) keep_appointment();
    if (next_poll_ <= now()) poll_all(status_timeout);
    if (next_tick_ <= now()) tick();
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
  }

  void poll_all(milliseconds timeout) {
    next_poll_ = now() + poll_interval();
    for (size_t target = 0; target < run_.targets.size(); ++target) {
      if (poll_under_way_[target]) continue;
      poll_under_way_[target] = true;
      loop_.get(run_.targets[target].url + "/status", timeout,
                [this, target, asked = now()](const program::HttpReply& reply) {
                  record_status(target, asked, read_status(reply));
                });
    }
  }

  void record_status(size_t target, Offset asked, const std::optional<InstanceStatus>& status) {
    poll_under_way_[target] = false;
    second_.states[target] = status ? status->state : State::unknown;
    run_.samples[target].push_back({now(), second_.states[target], status && status->local});
    if (!status && observers_.no_status) observers_.no_status(target);
    if (!status) return;
    run_.would_have_tripped[target] = status->would_have_tripped;
    run_.shared_breaker = run_.shared_breaker || status->shared_breaker;
    record_transitions(target, status->transitions);
    heard_[target] = asked;
    if (observers_.status) observers_.status(target, *status, now());
  }

  void record_transitions(size_t target, const std::vector<ReportedTransition>& transitions) {
    dates_.look_at_clocks(moment_since(start_));
    for (auto reported = transitions.rbegin(); reported != transitions.rend(); ++reported) {
      record_transition(target, *reported);
    }
  }

  void record_transition(size_t target, const ReportedTransition& reported) {
    if (!known_transitions_.emplace(target, reported.generation, reported.to, reported.at_epoch_ms).second) return;
    const Offset at = when(target, reported);
    if (at < prepared_from_) return;
    const bool local = reported.cause.starts_with("local: ");
    run_.transitions.push_back({target, reported.generation, reported.from, reported.to, reported.cause, at, local});
  }

  // What an instance had not told when it was asked before the load cannot be from before.
  Offset when(size_t target, const ReportedTransition& reported) {
    if (!heard_[target]) return dates_.offset_of(reported.at_epoch_ms, long_ago, now());
    return std::max(dates_.offset_of_news(reported.at_epoch_ms, *heard_[target], now()), prepared_from_);
  }

  void keep_appointment() {
    const Appointment& appointment = next_appointment();
    appointments_kept_ += 1;
    appointment.keep();
  }

  void tick() {
    next_tick_ = now() + tick_every;
    if (observers_.tick) observers_.tick(now());
  }

  void end_second() {
    second_.number += 1;
    if (observers_.second) observers_.second(second_);
    second_ = {second_.number, 0, 0, 0, 0, 0, second_.states};
  }

  // The answers to GET /status that are under way arrive, or `timeout` passes.
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
      keep_only_what_was_sent();
    }
    settle_polls(last_status_timeout);
    poll_all(last_status_timeout);
    settle_polls(last_status_timeout);
    if (second_.sent + second_.ok + second_.failed + second_.blocked + second_.unreachable > 0) end_second();
    std::sort(run_.transitions.begin(), run_.transitions.end(), [](const Transition& a, const Transition& b) {
      return std::tie(a.at, a.generation) < std::tie(b.at, b.generation);
    });
  }

  // A call that was sent and not answered stays as `unreachable`: the upstream may or may not have seen it.
  void keep_only_what_was_sent() {
    run_.calls.resize(next_call_);
    for (size_t index = 0; index < next_call_; ++index) {
      Call& call = run_.calls[index];
      if (call.latency == Offset(0)) {  // never recorded
        call.target = plan_[index].target;
        call.intended = plan_[index].due;
        call.latency = run_.length - call.intended;
      }
    }
  }

  const EngineSettings& settings_;
  const program::StopSignal& stop_;
  const Observers& observers_;
  const std::vector<PlannedCall> plan_;
  Run run_;
  Clock::time_point start_ = Clock::now();
  Offset prepared_from_{0};  // when the observer began its own part of the run
  EventDates dates_{date_of_now()};
  size_t next_call_ = 0;
  size_t unanswered_ = 0;
  size_t appointments_kept_ = 0;
  Offset next_poll_{0};
  Offset next_tick_{0};
  Second second_;
  std::vector<bool> poll_under_way_;
  std::vector<std::optional<Offset>> heard_;  // by target: when it was asked what it answered last
  std::set<std::tuple<size_t, uint64_t, State, int64_t>> known_transitions_;
  HttpLoop loop_;  // last: its callbacks refer to all the others
};

std::string how_to_start(const std::string& url) {
  const auto colon = url.rfind(':');
  return "start one with: distributed_breaker --port " + url.substr(colon + 1);
}

void add_target(std::vector<Target>& targets, const Target& target) {
  targets.push_back(target);
  targets.back().name = unique_name(targets, targets.size() - 1, target.name);
  if (targets.back().name != target.name) targets.back().own_name = target.name;
}

}  // namespace

std::vector<Target> find_targets(const std::vector<std::string>& urls, const program::StopSignal& stop) {
  std::vector<program::HttpReply> replies(urls.size());
  size_t asked = urls.size();
  HttpLoop loop;
  for (size_t i = 0; i < urls.size(); ++i) {
    loop.get(urls[i] + "/status", status_timeout, [&replies, &asked, i](const program::HttpReply& reply) {
      replies[i] = reply;
      asked -= 1;
    });
  }
  while (asked > 0 && !stop.requested()) loop.wait_until(Clock::now() + status_timeout, stop.fd());
  loop.abandon();
  std::vector<Target> targets;
  bool somebody_answers = stop.requested();
  for (size_t i = 0; i < urls.size(); ++i) {
    const auto status = read_status(replies[i]);
    add_target(targets, {status && !status->name.empty() ? status->name : urls[i], urls[i]});
    somebody_answers = somebody_answers || replies[i].status != 0;
  }
  if (!somebody_answers) {
    throw std::runtime_error("no instance answers at " + urls.at(0) + " (" + replies.at(0).error + "); " +
                             how_to_start(urls.at(0)));
  }
  return targets;
}

Run run_load(const std::vector<Target>& targets, const EngineSettings& settings, const program::StopSignal& stop,
             const Observers& observers) {
  return Engine(targets, settings, stop, observers).run();
}

}  // namespace load
