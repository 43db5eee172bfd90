#include "load_generator/live/recent_history.hpp"

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <tuple>

namespace load {
namespace {

constexpr Offset prune_every = std::chrono::seconds(5);
constexpr Offset reports_arrive_within = std::chrono::seconds(10);  // few instances hang for longer
constexpr size_t most_changes = 4000;
constexpr double slack = 1.2;  // by how much a bound may be exceeded until the next pruning

// Random: a page that reconnects to a restarted server must not take its fleet for the one before. Below 2^53, so that
// JavaScript holds it exactly.
uint64_t first_edition() {
  std::random_device dice;
  return std::uniform_int_distribution<uint64_t>(1, 1ULL << 52)(dice);
}

// Never the same twice in this process.
uint64_t new_edition() {
  static std::atomic<uint64_t> next = first_edition();
  return next++;
}

bool holds_too_many(size_t count, size_t most) {
  return static_cast<double>(count) > static_cast<double>(most) * slack;
}

// A restarted instance numbers its calls from 1 again; number and date together are unique.
using Identity = std::tuple<uint64_t, int64_t>;
Identity identity(const NotableCall& call) { return {call.number, call.at_epoch_ms}; }

bool is_earlier(const Transition& a, const Transition& b) {
  return std::tie(a.at, a.generation) < std::tie(b.at, b.generation);
}

bool is_too_old(Offset at, Offset now) { return at < std::max(Offset(0), now - RecentHistory::length); }

// A restarted instance counts from zero. A count that has passed the old one by now does not show the restart.
bool was_restarted(const CallCounts& before, const CallCounts& now) {
  return now.success < before.success || now.failure < before.failure || now.exception < before.exception ||
         now.blocked < before.blocked;
}

uint64_t count_wasted(const std::vector<Mark>& marks, Offset after, Offset until) {
  return static_cast<uint64_t>(std::count_if(marks.begin(), marks.end(), [&](const Mark& mark) {
    return mark.wasted && mark.at > after && mark.at <= until;
  }));
}

// The part of a lane that is after `from`; it begins with the state in force then.
void cut(std::vector<Sample>& lane, Offset from) {
  const auto next = std::find_if(lane.begin(), lane.end(), [from](const Sample& sample) { return sample.at > from; });
  if (next != lane.begin() && (next - 1)->at < from) (next - 1)->at = from;
  lane.erase(lane.begin(),
             std::find_if(lane.begin(), next, [from](const Sample& sample) { return sample.at >= from; }));
}

}  // namespace

RecentHistory::RecentHistory(const WatchedFleet& fleet, int64_t started_at_epoch_ms)
    : started_at_epoch_ms_(started_at_epoch_ms),
      clocks_(fleet.targets.size()),
      traffic_(fleet.targets.size()),
      edition_(new_edition()),
      disagreement_(fleet.targets.size()) {
  run_.samples.resize(fleet.targets.size());
  for (const Target& target : fleet.targets) {
    run_.targets.push_back({target.name.empty() ? target.url : target.name, target.url});
    instances_.emplace_back();
  }
  upstream_.url = fleet.upstream;
}

bool RecentHistory::record_status(size_t target, Offset now, const std::optional<InstanceStatus>& status) {
  ObservedInstance& instance = instances_[target];
  std::vector<Sample>& samples = run_.samples[target];
  Offset from = samples.empty() ? now : samples.back().at;  // a sample can change how lanes() reads the one before
  const bool same_answer =
      instance.answers == status.has_value() &&
      (!status || (instance.status.state == status->state && instance.status.local == status->local &&
                   instance.status.override_mode == status->override_mode));
  samples.push_back({now, status ? status->state : State::unknown, status && status->local});
  const size_t transitions_before = run_.transitions.size();
  if (status) {
    name_target(target, status->name);
    if (status->at_epoch_ms > 0) clocks_[target].learn(status->at_epoch_ms, now);
    from = std::min(
        {from, record_transitions(target, now, status->transitions), record_calls(target, now, status->notable_calls)});
    if (was_restarted(instance.status.calls, status->calls)) instance.before_restarts = instance.calls();
    instance.status = *status;
    traffic_.record_calls(now, target, instance.calls());
  }
  instance.answers = status.has_value();
  run_.shared_breaker = std::any_of(instances_.begin(), instances_.end(),
                                    [](const ObservedInstance& each) { return each.status.shared_breaker; });
  run_.length = now;
  record_change_from(from);
  const bool has_changed = !same_answer || run_.transitions.size() > transitions_before;
  prune(now);
  return has_changed;
}

bool RecentHistory::record_fault(Offset asked, const std::optional<UpstreamFault>& fault) {
  const bool has_changed = upstream_.answers != fault.has_value() || (fault && *fault != upstream_.fault);
  upstream_.answers = fault.has_value();
  upstream_.asked = asked;
  if (fault) upstream_.fault = *fault;
  return has_changed;
}

void RecentHistory::record_ledger(Offset now, const std::optional<Ledger>& ledger) {
  if (!ledger) return;
  upstream_.ledger = *ledger;
  traffic_.record_ledger(now, *ledger);
}

FleetSnapshot RecentHistory::snapshot(Offset now) const {
  const Offset from = std::max(Offset(0), now - length);
  Timeline drawn = timeline(run_);
  FleetSnapshot snapshot{now,
                         started_at_epoch_ms_,
                         run_.targets,
                         instances_,
                         std::move(drawn.lanes),
                         run_.transitions,
                         std::move(drawn.marks),
                         traffic_,
                         upstream_};
  snapshot.wasted = wasted_ + count_wasted(snapshot.marks, waste_settled_, Offset::max());
  Disagreement disagreement = disagreement_;
  feed(disagreement, snapshot.lanes, now);
  snapshot.disagreement = disagreement.total(now);
  snapshot.disagreeing_for = disagreement.present(now);
  for (std::vector<Sample>& lane : snapshot.lanes) cut(lane, from);
  std::erase_if(snapshot.transitions, [from](const Transition& transition) { return transition.at < from; });
  std::erase_if(snapshot.marks, [from](const Mark& mark) { return mark.at < from; });
  return snapshot;
}

Offset RecentHistory::changed_since(uint64_t revision) const {
  Offset from = Offset::max();
  if (changes_.empty() || revision + 1 < changes_.front().revision) return Offset::min();
  for (auto change = changes_.rbegin(); change != changes_.rend() && change->revision > revision; ++change)
    from = std::min(from, change->from);
  return from;
}

void RecentHistory::name_target(size_t target, const std::string& name) {
  if (name.empty()) return;
  const std::string unique = unique_name(run_.targets, target, name);
  if (run_.targets[target].name == unique) return;
  run_.targets[target].name = unique;
  edition_ = new_edition();
}

Offset RecentHistory::record_transitions(size_t target, Offset now,
                                         const std::vector<ReportedTransition>& transitions) {
  Offset from = now;
  const auto& known = instances_[target].status.transitions;
  for (const ReportedTransition& reported : transitions) {
    const auto is_reported = [&](const ReportedTransition& each) { return is_same(each, reported); };
    if (std::any_of(known.begin(), known.end(), is_reported)) continue;
    const Offset at = clocks_[target].offset_of(reported.at_epoch_ms, reported.age_ms, now);
    if (is_too_old(at, now)) continue;
    const bool local = reported.cause.starts_with("local: ");
    run_.transitions.push_back({target, reported.generation, reported.from, reported.to, reported.cause, at, local});
    from = std::min(from, at);
  }
  std::stable_sort(run_.transitions.begin(), run_.transitions.end(), is_earlier);
  return from;
}

Offset RecentHistory::record_calls(size_t target, Offset now, const std::vector<NotableCall>& calls) {
  Offset from = now;
  std::set<Identity> known;
  for (const NotableCall& call : instances_[target].status.notable_calls) known.insert(identity(call));
  for (const NotableCall& notable : calls) {
    if (known.contains(identity(notable))) continue;
    const Offset at = clocks_[target].offset_of(notable.at_epoch_ms, notable.age_ms, now);
    if (is_too_old(at, now)) continue;
    run_.calls.push_back(notable.call);
    run_.calls.back().target = target;
    run_.calls.back().intended = at;
    from = std::min(from, at);
  }
  return from;
}

void RecentHistory::record_change_from(Offset from) {
  revision_ += 1;
  changes_.push_back({revision_, from});
  if (changes_.size() > most_changes) changes_.pop_front();
}

void RecentHistory::prune(Offset now) {
  const bool too_many =
      holds_too_many(run_.calls.size(), most_calls) || holds_too_many(run_.transitions.size(), most_transitions);
  if (now < next_pruning_ && !too_many) return;
  next_pruning_ = now + prune_every;
  std::stable_sort(run_.calls.begin(), run_.calls.end(),
                   [](const Call& a, const Call& b) { return a.intended < b.intended; });
  const Offset window = now - length;
  const Offset calls_window = calls_kept_from(window);
  const Timeline drawn = timeline(run_);
  settle_waste(drawn.marks, calls_window);
  settle_disagreement(drawn.lanes, window);
  std::erase_if(run_.calls, [&](const Call& call) { return call.intended <= calls_window; });
  std::erase_if(run_.transitions, [&](const Transition& transition) { return transition.at <= window; });
  auto& transitions = run_.transitions;  // in order
  if (transitions.size() > most_transitions)
    transitions.erase(transitions.begin(), transitions.end() - most_transitions);
  drop_repeats(now - reports_arrive_within);
  for (std::vector<Sample>& samples : run_.samples) {
    const auto first_kept =
        std::find_if(samples.begin(), samples.end(), [&](const Sample& sample) { return sample.at > window; });
    if (first_kept - samples.begin() > 1) samples.erase(samples.begin(), first_kept - 1);
  }
}

// Of a run of equal samples without a transition between them, lanes() needs only the first and the last.
void RecentHistory::drop_repeats(Offset until) {
  const auto same = [](const Sample& a, const Sample& b) { return a.state == b.state && a.local == b.local; };
  for (std::vector<Sample>& samples : run_.samples) {
    std::vector<Sample> kept;
    for (size_t i = 0; i < samples.size(); ++i) {
      const bool repeats = i > 0 && i + 1 < samples.size() && samples[i + 1].at <= until &&
                           same(samples[i - 1], samples[i]) && same(samples[i], samples[i + 1]);
      if (!repeats || has_transition(samples[i - 1].at, samples[i + 1].at)) kept.push_back(samples[i]);
    }
    samples = std::move(kept);
  }
}

bool RecentHistory::has_transition(Offset after, Offset until) const {
  const auto next = std::upper_bound(run_.transitions.begin(), run_.transitions.end(), after,
                                     [](Offset at, const Transition& transition) { return at < transition.at; });
  return next != run_.transitions.end() && next->at <= until;
}

// Later than `window` if there are too many calls since. They are in order.
Offset RecentHistory::calls_kept_from(Offset window) const {
  if (run_.calls.size() <= most_calls) return window;
  return std::max(window, run_.calls[run_.calls.size() - most_calls - 1].intended);
}

void RecentHistory::settle_waste(const std::vector<Mark>& marks, Offset until) {
  wasted_ += count_wasted(marks, waste_settled_, until);
  waste_settled_ = std::max(waste_settled_, until);
}

void RecentHistory::settle_disagreement(const std::vector<std::vector<Sample>>& lanes, Offset until) {
  if (until <= disagreement_settled_) return;
  feed(disagreement_, lanes, until);
  disagreement_settled_ = until;
}

void RecentHistory::feed(Disagreement& disagreement, const std::vector<std::vector<Sample>>& lanes,
                         Offset until) const {
  struct Point {
    Offset at;
    size_t target;
    State state;
  };
  std::vector<Point> points;
  for (size_t target = 0; target < lanes.size(); ++target) {
    for (const Sample& sample : lanes[target]) {
      if (sample.at > disagreement_settled_ && sample.at <= until) points.push_back({sample.at, target, sample.state});
    }
  }
  std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) { return a.at < b.at; });
  for (const Point& point : points) disagreement.feed(point.at, point.target, point.state);
}

}  // namespace load
