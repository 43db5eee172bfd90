// Metrics are what an instance tells Prometheus: counters of calls and of breakers' events, and gauges of how things
// stand when it asks. Contexts are summed, and only the common breaker shows its state: every label has few values, so
// that nobody who invents tenants invents time series.
// Thread-safe: every method. Cost: counting is an atomic addition; only the duration of a call takes a lock, briefly.
// Errors: none; the name is a valid one.
// Source: names after prometheus.io/docs/practices/naming and instrumentation; the text is prometheus-cpp's.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

#include "distributed_breaker/registry/breaker_registry.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/event.hpp"

namespace cb {

// What became of a user's call. exception: no answer in time, or no connection; blocked: nothing was sent.
enum class CallStatus { success, failure, exception, blocked };

std::string_view to_text(CallStatus status);

class Metrics {
 public:
  static constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

  explicit Metrics(const std::string& breaker);

  Listener listener();  // to be given to breakers that this outlives

  // `took`: how long the upstream's answer took; not looked at where nothing was sent.
  void count_call(CallStatus status, std::chrono::microseconds took);
  void count_probe();

  std::string text(const DetailedStatus& common, BreakerCounts breakers);

 private:
  using Counter = prometheus::Counter;
  using Gauge = prometheus::Gauge;
  using Rate = prometheus::Family<Gauge>;

  void count(const Event& event);
  void show(const DetailedStatus& common, BreakerCounts breakers);

  Counter& counter(const std::string& name, const std::string& help);
  Gauge& gauge(const std::string& name, const std::string& help);
  Rate& rate(const std::string& name, const std::string& help);
  void add_calls();
  void add_transitions();
  void add_states();

  prometheus::Registry registry_;
  const prometheus::Labels labels_;
  std::array<Counter*, 4> calls_{};                       // by CallStatus
  std::array<prometheus::Histogram*, 3> durations_{};     // likewise, without blocked
  std::array<std::array<Counter*, 3>, 3> transitions_{};  // by State: from, to; none from a state to itself
  Counter &rejections_, &late_results_, &slow_calls_, &would_have_tripped_, &overrides_, &store_errors_, &probes_;
  std::mutex scrape_;               // the gauges of one scrape are not mixed with another's
  std::array<Gauge*, 3> states_{};  // by State
  Gauge &breakers_, &open_breakers_;
  Rate &failure_rate_, &slow_call_rate_, &store_joined_, &view_age_;  // families: a sample may be absent
};

}  // namespace cb
