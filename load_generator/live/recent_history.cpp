#include "load_generator/live/recent_history.hpp"

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <tuple>

namespace load {
namespace {

constexpr Offset tidy_every = std::chrono::seconds(5);
constexpr Offset news_are_in = std::chrono::seconds(10);  // an instance that hangs for so long is rare
constexpr size_t most_news = 4000;
constexpr double slack = 1.2;  // what may be there beyond a bound until it is tidied up

// A page that comes back to a server that was restarted must not take its fleet for the one before. JavaScript holds
// whole numbers up to 2^53.
uint64_t any_edition() {
  std::random_device dice;
  return std::uniform_int_distribution<uint64_t>(1, 1ULL << 52)(dice);
}

// Never the same twice in this process.
uint64_t new_edition() {
  static std::atomic<uint64_t> next = any_edition();
  return next++;
}

bool holds_too_many(size_t count, size_t most) {
  return static_cast<double>(count) > static_cast<double>(most) * slack;
}

// Of things that are numbered or dated anew after a restart, so that two alike are the same.
using Identity = std::tuple<uint64_t, int64_t>;
Identity identity(const NotableCall& call) { return {call.number, call.at_epoch_ms}; }

bool is_earlier(const Transition& a, const Transition& b) {
  return std::tie(a.at, a.generation) < std::tie(b.at, b.generation);
}

// All but the last `most` of the items, which are in order.
template <typename Item>
void keep_last(std::vector<Item>& items, size_t most) {
  if (items.size() > most) items.erase(items.begin(), items.end() - static_cast<ptrdiff_t>(most));
}

bool is_too_old(Offset at, Offset now) { return at < std::max(Offset(0), now - LiveWindow::length); }

// A program that was started again counts from zero; a count that grew past the old one meanwhile does not show it.
bool counts_anew(const CallCounts& before, const CallCounts& now) {
  return now.success < before.success || now.failure < before.failure || now.exception < before.exception ||
         now.blocked < before.blocked;
}

CallCounts sum_of(const CallCounts& a, const CallCounts& b) {
  return {a.success + b.success, a.failure + b.failure, a.exception + b.exception, a.blocked + b.blocked};
}

uint64_t count_wasted(const std::vector<Mark>& marks, Offset after, Offset until) {
  return static_cast<uint64_t>(std::count_if(marks.begin(), marks.end(), [&](const Mark& mark) {
    return mark.wasted && mark.at > after && mark.at <= until;
  }));
}

}  // namespace

CallCounts LiveWindow::Instance::calls() const { return sum_of(earlier, status.calls); }

LiveWindow::LiveWindow(const WatchedFleet& fleet, int64_t started_at_epoch_ms)
    : started_at_(started_at_epoch_ms),
      dates_(started_at_epoch_ms),
      heard_at_(fleet.targets.size()),
      traffic_(fleet.targets.size()),
      edition_(new_edition()),
      disagreement_(fleet.targets.size()) {
  run_.samples.resize(fleet.targets.size());
  for (const Target& target : fleet.targets) {
    run_.targets.push_back({target.name.empty() ? target.url : target.name, target.url});
    instances_.push_back({target.url, false, {}, {}});
  }
  upstream_.url = fleet.upstream;
}

bool LiveWindow::take_status(size_t target, const Moment& moment, const std::optional<InstanceStatus>& status) {
  const Offset now = moment.now;
  dates_.compare_clocks(moment);
  Instance& instance = instances_[target];
  std::vector<Sample>& samples = run_.samples[target];
  Offset from = samples.empty() ? now : samples.back().at;  // a sample may change what is made of the one before
  const bool same_answer =
      instance.answers == status.has_value() &&
      (!status || (instance.status.state == status->state && instance.status.local == status->local &&
                   instance.status.override_mode == status->override_mode));
  samples.push_back({now, status ? status->state : State::unknown, status && status->local});
  const size_t transitions_before = run_.transitions.size();
  if (status) {
    name_target(target, status->name);
    from = std::min(
        {from, take_transitions(target, now, status->transitions), take_calls(target, now, status->notable_calls)});
    if (counts_anew(instance.status.calls, status->calls)) instance.earlier = instance.calls();
    instance.status = *status;
    heard_at_[target] = now;
    traffic_.read_blocked(now, target, instance.calls().blocked);
  }
  instance.answers = status.has_value();
  run_.shared_breaker = std::any_of(instances_.begin(), instances_.end(),
                                    [](const Instance& each) { return each.status.shared_breaker; });
  run_.length = now;
  note_change_from(from);
  const bool news = !same_answer || run_.transitions.size() > transitions_before;
  tidy(now);
  return news;
}

bool LiveWindow::take_fault(const std::optional<UpstreamFault>& fault) {
  const bool news = upstream_.answers != fault.has_value() || (fault && *fault != upstream_.fault);
  upstream_.answers = fault.has_value();
  if (fault) upstream_.fault = *fault;
  return news;
}

void LiveWindow::take_ledger(Offset now, const std::optional<Ledger>& ledger) {
  if (!ledger) return;
  upstream_.ledger = *ledger;
  traffic_.read_ledger(now, *ledger);
}

LiveWindow::Sums LiveWindow::sums(Offset now) const {
  Timeline drawn = timeline(run_);
  Sums sums{std::move(drawn.lanes), std::move(drawn.marks), wasted_, Offset(0), std::nullopt};
  sums.wasted += count_wasted(sums.marks, waste_settled_, Offset::max());
  Disagreement disagreement = disagreement_;
  feed(disagreement, sums.lanes, now);
  sums.disagreement = disagreement.total(now);
  sums.disagreeing_for = disagreement.present(now);
  return sums;
}

Offset LiveWindow::changes_since(uint64_t place) const {
  Offset from = Offset::max();
  if (news_.empty() || place + 1 < news_.front().place) return Offset::min();
  for (auto news = news_.rbegin(); news != news_.rend() && news->place > place; ++news)
    from = std::min(from, news->from);
  return from;
}

void LiveWindow::name_target(size_t target, const std::string& name) {
  if (name.empty()) return;
  const std::string unique = unique_name(run_.targets, target, name);
  if (run_.targets[target].name == unique) return;
  run_.targets[target].name = unique;
  edition_ = new_edition();
}

Offset LiveWindow::take_transitions(size_t target, Offset now, const std::vector<ReportedTransition>& transitions) {
  Offset from = now;
  const auto& known = instances_[target].status.transitions;
  const bool is_news = heard_at_[target] > Offset(0);  // what it had not told before it had not done before
  for (auto each = transitions.rbegin(); each != transitions.rend(); ++each) {
    const ReportedTransition& reported = *each;
    if (std::find(known.begin(), known.end(), reported) != known.end()) continue;
    const Offset at = is_news ? dates_.offset_of_new_event(reported.at_epoch_ms, heard_at_[target], now)
                              : dates_.offset_of(reported.at_epoch_ms, heard_at_[target], now);
    if (is_too_old(at, now)) continue;
    const bool local = reported.cause.starts_with("local: ");
    run_.transitions.push_back({target, reported.generation, reported.from, reported.to, reported.cause, at, local});
    from = std::min(from, at);
  }
  std::stable_sort(run_.transitions.begin(), run_.transitions.end(), is_earlier);
  return from;
}

Offset LiveWindow::take_calls(size_t target, Offset now, const std::vector<NotableCall>& calls) {
  Offset from = now;
  std::set<Identity> known;
  for (const NotableCall& call : instances_[target].status.notable_calls) known.insert(identity(call));
  for (const NotableCall& notable : calls) {
    const Offset at = dates_.offset_of(notable.at_epoch_ms, heard_at_[target], now);
    if (is_too_old(at, now) || known.contains(identity(notable))) continue;
    run_.calls.push_back(notable.call);
    run_.calls.back().target = target;
    run_.calls.back().intended = at;
    from = std::min(from, at);
  }
  return from;
}

void LiveWindow::note_change_from(Offset from) {
  place_ += 1;
  news_.push_back({place_, from});
  if (news_.size() > most_news) news_.pop_front();
}

void LiveWindow::tidy(Offset now) {
  const bool too_many =
      holds_too_many(run_.calls.size(), most_calls) || holds_too_many(run_.transitions.size(), most_transitions);
  if (now < next_tidying_ && !too_many) return;
  next_tidying_ = now + tidy_every;
  std::stable_sort(run_.calls.begin(), run_.calls.end(),
                   [](const Call& a, const Call& b) { return a.intended < b.intended; });
  const Offset window = now - length;
  const Offset calls_window = calls_kept_from(window);
  const Timeline drawn = timeline(run_);
  settle_waste(drawn.marks, calls_window);
  settle_disagreement(drawn.lanes, window);
  std::erase_if(run_.calls, [&](const Call& call) { return call.intended <= calls_window; });
  std::erase_if(run_.transitions, [&](const Transition& transition) { return transition.at <= window; });
  keep_last(run_.transitions, most_transitions);
  thin_out(now - news_are_in);
  for (std::vector<Sample>& samples : run_.samples) {
    const auto first_kept =
        std::find_if(samples.begin(), samples.end(), [&](const Sample& sample) { return sample.at > window; });
    if (first_kept - samples.begin() > 1) samples.erase(samples.begin(), first_kept - 1);
  }
}

// Of a row of equal samples, with no transition among them, the first and the last say it all (see lanes()).
void LiveWindow::thin_out(Offset until) {
  const auto same = [](const Sample& a, const Sample& b) { return a.state == b.state && a.local == b.local; };
  for (std::vector<Sample>& samples : run_.samples) {
    std::vector<Sample> kept;
    for (size_t i = 0; i < samples.size(); ++i) {
      const bool in_a_row = i > 0 && i + 1 < samples.size() && samples[i + 1].at <= until &&
                            same(samples[i - 1], samples[i]) && same(samples[i], samples[i + 1]);
      if (!in_a_row || !is_quiet(samples[i - 1].at, samples[i + 1].at)) kept.push_back(samples[i]);
    }
    samples = std::move(kept);
  }
}

bool LiveWindow::is_quiet(Offset after, Offset until) const {
  const auto next = std::upper_bound(run_.transitions.begin(), run_.transitions.end(), after,
                                     [](Offset at, const Transition& transition) { return at < transition.at; });
  return next == run_.transitions.end() || next->at > until;
}

// Later than the window's beginning where it holds too many calls, which are in order.
Offset LiveWindow::calls_kept_from(Offset window) const {
  if (run_.calls.size() <= most_calls) return window;
  return std::max(window, run_.calls[run_.calls.size() - most_calls - 1].intended);
}

void LiveWindow::settle_waste(const std::vector<Mark>& marks, Offset until) {
  wasted_ += count_wasted(marks, waste_settled_, until);
  waste_settled_ = std::max(waste_settled_, until);
}

void LiveWindow::settle_disagreement(const std::vector<std::vector<Sample>>& lanes, Offset until) {
  if (until <= disagreement_settled_) return;
  feed(disagreement_, lanes, until);
  disagreement_settled_ = until;
}

void LiveWindow::feed(Disagreement& disagreement, const std::vector<std::vector<Sample>>& lanes, Offset until) const {
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
