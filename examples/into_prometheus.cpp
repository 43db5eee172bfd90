// A listener that counts what a breaker does for Prometheus. Its state is a gauge, which each scrape sets by asking.
// What a scrape would get is printed. A listener may be slow or throw: the breaker does not wait for it while a probe
// runs, and keeps working.
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <circuit_breaker/circuit_breaker.hpp>
#include <iostream>
#include <string>

namespace {

class BreakerMetrics {
 public:
  explicit BreakerMetrics(prometheus::Registry& registry)
      : notices_(prometheus::BuildCounter().Name("breaker_notices_total").Help("What happened").Register(registry)),
        state_(prometheus::BuildGauge().Name("breaker_state").Help("1: the present state").Register(registry)) {}

  void record(const cb::Notice& notice) {
    const std::string name(notice.name);
    notices_.Add({{"breaker", name}, {"kind", std::string(to_text(notice.kind))}})
        .Increment(static_cast<double>(notice.count));
  }

  // Half-open as soon as the break is over; a notice of that comes with the next call only.
  void show(const std::string& name, const cb::Status& status) {
    for (const cb::State state : {cb::State::closed, cb::State::open, cb::State::half_open}) {
      state_.Add({{"breaker", name}, {"state", std::string(to_text(state))}})
          .Set(state == status.state_for_next_call() ? 1 : 0);
    }
  }

 private:
  prometheus::Family<prometheus::Counter>& notices_;
  prometheus::Family<prometheus::Gauge>& state_;
};

}  // namespace

int main() {
  prometheus::Registry registry;
  BreakerMetrics metrics(registry);
  cb::CircuitBreaker breaker({.failure_threshold = 3}, [&metrics](const cb::Notice& notice) { metrics.record(notice); },
                             {}, {"prices"});
  for (int call = 1; call <= 5; ++call) {
    static_cast<void>(cb::execute(
        breaker, [] { return 503; }, [](int) { return cb::Outcome::failure; }));
  }
  metrics.show("prices", breaker.status());
  std::cout << prometheus::TextSerializer().Serialize(registry.Collect());
}
