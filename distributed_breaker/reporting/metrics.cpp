#include "distributed_breaker/reporting/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <utility>

#include "program/log.hpp"

namespace cb {
namespace {

constexpr std::array states{State::closed, State::open, State::half_open};
// Seconds: from a fast answer on the same machine to the longest deadline that makes sense.
const prometheus::Histogram::BucketBoundaries duration_buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                               0.25,  0.5,    1,     2.5,  5,     10};

size_t index(State state) { return static_cast<size_t>(state); }
size_t index(CallStatus status) { return static_cast<size_t>(status); }

std::string text_of(auto value) { return std::string(to_text(value)); }

// Without a value the family has no sample.
void show(prometheus::Family<prometheus::Gauge>& family, std::optional<double> value) {
  auto& gauge = family.Add({});
  if (!value) return family.Remove(&gauge);
  gauge.Set(*value);
}

// A counter that is kept elsewhere.
void raise(prometheus::Counter& counter, uint64_t to) {
  counter.Increment(std::max(0.0, static_cast<double>(to) - counter.Value()));
}

// Of no calls there is no share.
std::optional<double> share_of_calls(uint64_t part, uint64_t of) {
  return of == 0 ? std::nullopt : std::optional(static_cast<double>(part) / static_cast<double>(of));
}

std::optional<double> joined(const DetailedStatus& common) {
  if (!common.store.view_age && common.store.error.empty())
    return std::nullopt;  // a breaker in memory has no store to join
  return common.store.error.empty() ? 1 : 0;
}

std::optional<double> seconds(const std::optional<std::chrono::milliseconds>& time) {
  return time ? std::optional(std::chrono::duration<double>(*time).count()) : std::nullopt;
}

}  // namespace

Metrics::Metrics(const std::string& breaker)
    : labels_{{"breaker", breaker}},
      rejections_(counter("not_permitted_calls_total", "Calls that a breaker rejected.")),
      late_results_(counter("late_results_total", "Results dropped because the generation of their permit was over.")),
      slow_calls_(counter("slow_calls_total", "Calls that took slow_call_duration_threshold or longer.")),
      would_have_tripped_(counter("would_have_tripped_total", "Trips that a breaker in metrics_only mode skipped.")),
      overrides_(counter("overrides_total", "Overrides that breakers applied, their ends included.")),
      store_errors_(counter("store_errors_total", "Times that the instance lost its connection to Redis.")),
      listener_errors_(counter("listener_errors_total",
                               "Exceptions of the listener of breakers, and notices that it was too slow for.")),
      log_lines_dropped_(counter("log_lines_dropped_total", "Log lines that standard output did not take.")),
      probes_(counter("probes_total", "Probe calls: they test whether the upstream has recovered.")),
      local_errors_(
          counter("local_errors_total", "Upstream calls that failed for a local cause, which breakers ignore.")),
      fallbacks_(counter("fallbacks_total", "Failed and rejected calls that a fallback answered.")),
      breakers_(gauge("breakers", "Breakers in this instance.")),
      open_breakers_(gauge("open_breakers", "Breakers in this instance that are open.")),
      failure_rate_(rate("failure_rate", "Share of the calls in the common breaker's sliding window that failed.")),
      slow_call_rate_(
          rate("slow_call_rate", "Share of the calls in the common breaker's sliding window that were slow.")),
      store_joined_(rate("store_joined", "1 while breakers are shared through Redis, 0 while they are local.")),
      view_age_(rate("view_age_seconds", "Age of this instance's cached view of the shared breaker.")) {
  add_calls();
  add_transitions();
  add_states();
}

void Metrics::count_call(CallStatus status, std::chrono::duration<double> took) {
  calls_[index(status)]->Increment();
  if (status != CallStatus::blocked) durations_[index(status)]->Observe(took.count());
}

void Metrics::count_probe() { probes_.Increment(); }

void Metrics::count_local_error() { local_errors_.Increment(); }

void Metrics::count_fallback() { fallbacks_.Increment(); }

std::string Metrics::text(const DetailedStatus& common, BreakerCounts breakers) {
  const std::scoped_lock lock(scrape_);
  show(common, breakers);
  return prometheus::TextSerializer().Serialize(registry_.Collect());
}

void Metrics::record(const Notice& notice) {
  switch (notice.kind) {
    case NoticeKind::override:
      overrides_.Increment();
      [[fallthrough]];
    case NoticeKind::transition:
      if (notice.from != notice.to) transitions_[index(notice.from)][index(notice.to)]->Increment();
      return;
    case NoticeKind::would_have_tripped:
      return would_have_tripped_.Increment(static_cast<double>(notice.count));
    case NoticeKind::rejection:
      return rejections_.Increment(static_cast<double>(notice.count));
    case NoticeKind::late_result:
      return late_results_.Increment(static_cast<double>(notice.count));
    case NoticeKind::slow_call:
      return slow_calls_.Increment(static_cast<double>(notice.count));
    case NoticeKind::store_trouble:
      return store_errors_.Increment(static_cast<double>(notice.count));
    case NoticeKind::store_joined:
      return;
  }
}

void Metrics::show(const DetailedStatus& common, BreakerCounts breakers) {
  for (const State state : states) states_[index(state)]->Set(state == common.state ? 1 : 0);
  cb::show(failure_rate_, share_of_calls(common.recent.failures, common.recent.calls));
  cb::show(slow_call_rate_, share_of_calls(common.recent.slow, common.recent.calls));
  cb::show(store_joined_, joined(common));
  cb::show(view_age_, seconds(common.store.view_age));
  raise(listener_errors_, common.listener_errors);
  raise(log_lines_dropped_, program::log_lines_dropped());
  breakers_.Set(static_cast<double>(breakers.all));
  open_breakers_.Set(static_cast<double>(breakers.open));
}

template <class Builder>
auto& Metrics::family(Builder builder, const std::string& name, const std::string& help) {
  return builder.Name("circuit_breaker_" + name).Help(help).Labels(labels_).Register(registry_);
}

Metrics::Counter& Metrics::counter(const std::string& name, const std::string& help) {
  return family(prometheus::BuildCounter(), name, help).Add({});
}

Metrics::Gauge& Metrics::gauge(const std::string& name, const std::string& help) { return rate(name, help).Add({}); }

Metrics::Rate& Metrics::rate(const std::string& name, const std::string& help) {
  return family(prometheus::BuildGauge(), name, help);
}

void Metrics::add_calls() {
  auto& calls = family(prometheus::BuildCounter(), "calls_total", "Calls of users by outcome.");
  auto& durations =
      family(prometheus::BuildHistogram(), "call_duration_seconds", "Duration of the calls that were not blocked.");
  for (const CallStatus status : call_statuses) {
    calls_[index(status)] = &calls.Add({{"outcome", text_of(status)}});
    if (status == CallStatus::blocked) continue;
    durations_[index(status)] = &durations.Add({{"outcome", text_of(status)}}, duration_buckets);
  }
}

void Metrics::add_transitions() {
  auto& transitions = family(prometheus::BuildCounter(), "transitions_total",
                             "State changes of breakers, by themselves or by an override.");
  for (const State from : states) {
    for (const State to : states) {
      if (from == to) continue;
      transitions_[index(from)][index(to)] = &transitions.Add({{"from", text_of(from)}, {"to", text_of(to)}});
    }
  }
}

void Metrics::add_states() {
  Rate& current = rate("state", "1 for the current state of the common breaker, 0 for the others.");
  for (const State state : states) states_[index(state)] = &current.Add({{"state", text_of(state)}});
}

}  // namespace cb
