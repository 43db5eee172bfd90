#include "load_generator/record/measures.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>

#include "load_generator/record/latencies.hpp"
#include "load_generator/record/reconciliation.hpp"
#include "load_generator/record/state_measures.hpp"

namespace load {
namespace {

template <typename Range, typename Predicate>
double count_if(const Range& range, Predicate predicate) {
  return static_cast<double>(std::count_if(range.begin(), range.end(), predicate));
}

double calls_in(const Run& run) {
  const uint64_t unlisted = std::accumulate(run.unlisted.begin(), run.unlisted.end(), uint64_t{0});
  return static_cast<double>(run.calls.size() + unlisted);
}

bool lists_all_calls(const Run& run) { return calls_in(run) == static_cast<double>(run.calls.size()); }

bool was_late_failure(const Call& call) {
  const bool failed = call.status == CallStatus::failure || call.status == CallStatus::exception;
  return call.late && failed && call.upstream_calls > 0;
}

void measure_ledger(const Run& run, Measures& measures) {
  const auto accounts = reconcile(run);
  if (!accounts) return;
  uint64_t received = 0;
  uint64_t failures = 0;
  for (const auto& [caller, entry] : *run.ledger) {
    received += entry.received;
    failures += entry.failure + entry.hang + entry.drop;
  }
  measures["upstream_calls"] = static_cast<double>(received);
  if (calls_in(run) > 0) measures["load_factor"] = static_cast<double>(received) / calls_in(run);
  measures["upstream_failures"] = static_cast<double>(failures);
  measures["counted_failures"] = static_cast<double>(failures) - count_if(run.calls, was_late_failure);
  if (lists_all_calls(run)) measures["unexplained"] = static_cast<double>(unexplained(*accounts));
}

std::optional<Offset> slowest_answer(const Run& run) {
  std::optional<Offset> slowest;
  for (const Call& call : run.calls) {
    if (call.status != CallStatus::unreachable) slowest = std::max(slowest.value_or(Offset(0)), call.latency);
  }
  return slowest;
}

double most_probes_at_once(const Run& run) {
  std::vector<Offset> times;
  for (const Call& call : run.calls) {
    if (call.probe) times.push_back(call.intended);
  }
  std::sort(times.begin(), times.end());
  size_t most = 0;
  size_t group_start = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    if (i > 0 && (times[i] - times[i - 1]) * 2 > run.recovery_timeout) group_start = i;
    most = std::max(most, i - group_start + 1);
  }
  return static_cast<double>(most);
}

void measure_calls(const Run& run, const Timeline& timeline, Measures& measures) {
  for (const CallStatus status : all_call_statuses) {
    measures[std::string(to_text(status))] = count_if(run.calls, [=](const Call& c) { return c.status == status; }) +
                                             static_cast<double>(run.unlisted[static_cast<size_t>(status)]);
  }
  measures["refused_by_bulkhead"] = count_if(run.calls, [](const Call& call) { return call.refused_by_bulkhead; });
  measures["late"] = count_if(run.calls, [](const Call& call) { return call.late; });
  if (lists_all_calls(run)) measures["wasted"] = count_if(timeline.marks, [](const Mark& mark) { return mark.wasted; });
  measures["probes"] = count_if(run.calls, [](const Call& call) { return call.probe; });
  measures["failed_probes"] =
      count_if(run.calls, [](const Call& call) { return call.probe && call.status != CallStatus::success; });
  const auto latency = lists_all_calls(run) ? latencies(run, CallStatus::success) : std::nullopt;
  if (latency) measures["p99_success_ms"] = latency->p99;
  if (const auto slowest = slowest_answer(run)) measures["slowest_answer_ms"] = to_ms(*slowest);
  if (run.recovery_timeout > Offset(0)) measures["most_probes_at_once"] = most_probes_at_once(run);
  if (run.cut_off) {
    measures["blocked_elsewhere"] = count_if(
        run.calls, [&](const Call& call) { return call.status == CallStatus::blocked && call.target != *run.cut_off; });
  }
}

// By polls and by reported transitions: a break shorter than the polling interval shows only in a transition.
double instances_that_opened(const Run& run) {
  std::set<size_t> opened;
  for (const Transition& transition : run.transitions) {
    if (transition.to == State::open) opened.insert(transition.target);
  }
  for (size_t target = 0; target < run.samples.size(); ++target) {
    const auto& samples = run.samples[target];
    const auto is_open = [](const Sample& sample) { return sample.state == State::open; };
    if (std::any_of(samples.begin(), samples.end(), is_open)) opened.insert(target);
  }
  return static_cast<double>(opened.size());
}

bool is_trip(const Transition& transition) {
  return transition.from == State::closed && transition.to == State::open && !transition.local;
}

size_t breaker_of(const Run& run, size_t target) { return run.shared_breaker ? 0 : target; }

// By breaker: the generation that began with its last reported trip.
std::map<size_t, uint64_t> last_trips(const Run& run) {
  std::map<size_t, uint64_t> trips;
  for (const Transition& transition : run.transitions) {
    uint64_t& last = trips[breaker_of(run, transition.target)];
    if (is_trip(transition)) last = std::max(last, transition.generation);
  }
  return trips;
}

std::optional<double> calls_per_trip(const Run& run) {
  const double trips = count_if(run.transitions, is_trip);
  if (trips == 0) return std::nullopt;
  if (!lists_all_calls(run)) return std::nullopt;
  const std::map<size_t, uint64_t> last = last_trips(run);
  const double calls = count_if(run.calls, [&](const Call& call) {
    const auto trip = last.find(breaker_of(run, call.target));
    const bool its_generation_tripped = trip != last.end() && trip->second > call.generation;
    const bool admitted = call.status != CallStatus::blocked && call.status != CallStatus::unreachable;
    return admitted && !call.probe && !call.late && its_generation_tripped;
  });
  return calls / trips;
}

bool enters(State state, const Transition& transition) { return transition.to == state && transition.from != state; }

// Of a breaker that is not one instance's fallback.
bool opens(const Transition& transition) { return enters(State::open, transition) && !transition.local; }
bool closes(const Transition& transition) { return enters(State::closed, transition) && !transition.local; }

bool leaves(State state, const Transition& transition) { return transition.from == state && transition.to != state; }

// The lengths of the open periods that were reported with start and end.
std::vector<Offset> breaks(const Run& run) {
  std::vector<Offset> lengths;
  std::map<size_t, Offset> opened_at;  // by breaker
  for (const Transition& transition : run.transitions) {
    if (transition.local) continue;
    const size_t breaker = breaker_of(run, transition.target);
    if (enters(State::open, transition)) opened_at[breaker] = transition.at;
    if (leaves(State::open, transition) && opened_at.contains(breaker)) {
      lengths.push_back(transition.at - opened_at.extract(breaker).mapped());
    }
  }
  return lengths;
}

void measure_breaks(const Run& run, Measures& measures) {
  const std::vector<Offset> lengths = breaks(run);
  if (lengths.empty()) return;
  const auto [shortest, longest] = std::minmax_element(lengths.begin(), lengths.end());
  measures["shortest_break_ms"] = to_ms(*shortest);
  measures["longest_break_ms"] = to_ms(*longest);
}

std::optional<double> would_have_tripped(const Run& run) {
  std::optional<double> sum;
  for (const auto& count : run.would_have_tripped) {
    if (count) sum = sum.value_or(0) + static_cast<double>(*count);
  }
  return sum;
}

void measure_transitions(const Run& run, Measures& measures) {
  measures["opened"] = count_if(run.transitions, opens);
  measures["closed_again"] = count_if(run.transitions, closes);
  measures["opened_locally"] =
      count_if(run.transitions, [](const Transition& t) { return enters(State::open, t) && t.local; });
  if (const auto trips = would_have_tripped(run)) measures["would_have_tripped"] = *trips;
  measures["instances_that_opened"] = instances_that_opened(run);
  if (const auto calls = calls_per_trip(run)) measures["calls_per_trip"] = *calls;
}

}  // namespace

Measures measure(const Run& run, const Timeline& timeline) {
  Measures measures;
  measure_ledger(run, measures);
  measure_calls(run, timeline, measures);
  measure_transitions(run, measures);
  measure_breaks(run, measures);
  measure_states(run, timeline, measures);
  if (run.redis_scripts) measures["redis_scripts"] = static_cast<double>(*run.redis_scripts);
  return measures;
}

const std::vector<std::string>& measure_names() {
  static const std::vector<std::string> names = [] {
    std::istringstream words(
        "upstream_calls upstream_failures counted_failures load_factor success failure exception "
        "blocked refused_by_bulkhead unreachable late wasted opened opened_locally closed_again "
        "would_have_tripped probes failed_probes most_probes_at_once calls_per_trip "
        "instances_that_opened blocked_elsewhere shortest_break_ms longest_break_ms "
        "longest_half_open_ms disagreement_ms local_ms rejoined_ms closed_at_end local_at_end "
        "p99_success_ms slowest_answer_ms redis_scripts unexplained");
    return std::vector<std::string>(std::istream_iterator<std::string>(words), {});
  }();
  return names;
}

}  // namespace load
