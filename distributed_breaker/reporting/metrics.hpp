// Metrics are what an instance exports to Prometheus: counters of calls and of breakers' notices, and gauges that are
// set at each scrape. Tenants are summed, and only the common breaker shows its state: every label has few values, so
// that made-up tenants cannot create time series.
// Thread-safe: every method. Counting is an atomic addition; only observing a call's duration takes a lock, briefly.
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

#include "distributed_breaker/registry/breaker_registry.hpp"
#include "distributed_breaker/reporting/call_status.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/notice.hpp"

namespace cb {

class Metrics {
 public:
  static constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

  explicit Metrics(const std::string& breaker);

  void record(const Notice& notice);  // for the listener of breakers

  // `took`: until the call ended; ignored if it was blocked.
  void count_call(CallStatus status, std::chrono::duration<double> took);
  void count_probe();
  void count_local_error();
  void count_fallback();

  std::string text(const DetailedStatus& common, BreakerCounts breakers);

 private:
  using Counter = prometheus::Counter;
  using Gauge = prometheus::Gauge;
  using Rate = prometheus::Family<Gauge>;

  void show(const DetailedStatus& common, BreakerCounts breakers);

  template <class Builder>
  auto& family(Builder builder, const std::string& name, const std::string& help);
  Counter& counter(const std::string& name, const std::string& help);
  Gauge& gauge(const std::string& name, const std::string& help);
  Rate& rate(const std::string& name, const std::string& help);
  void add_calls();
  void add_transitions();
  void add_states();

  prometheus::Registry registry_;
  const prometheus::Labels labels_;
  std::array<Counter*, 4> calls_{};                       // by CallStatus
  std::array<prometheus::Histogram*, 3> durations_{};     // by CallStatus, without blocked
  std::array<std::array<Counter*, 3>, 3> transitions_{};  // by State: from, to; none from a state to itself
  Counter &rejections_, &late_results_, &slow_calls_, &would_have_tripped_, &overrides_, &store_errors_;
  Counter &listener_errors_, &log_lines_dropped_, &probes_, &local_errors_, &fallbacks_;
  std::mutex scrape_;               // keeps the gauges of concurrent scrapes apart
  std::array<Gauge*, 3> states_{};  // by State
  Gauge &breakers_, &open_breakers_;
  Rate &failure_rate_, &slow_call_rate_, &store_joined_, &view_age_;  // families, as a sample may be absent
};

}  // namespace cb
