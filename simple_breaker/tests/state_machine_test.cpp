#include "simple_breaker/state_machine.hpp"

#include <doctest/doctest.h>

#include "simple_breaker/traces/trace.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1000s};

PermitId admitted(Snapshot& snapshot, const Policy& policy, TimePoint now) {
  return apply(snapshot, policy, Acquire{}, now).permit;
}

}  // namespace

TEST_CASE("the table behaves as each golden trace says") {
  const auto traces = read_traces(LAB_SOURCE_DIR "/simple_breaker/traces");
  CHECK(traces.size() >= 5);
  for (const NamedTrace& trace : traces) {
    CAPTURE(trace.name);
    LocalTable table(policy_of(trace.text), TimePoint{});
    CHECK(replay(trace.text, table) == trace.text);
  }
}

TEST_CASE("a generation never repeats, even if several begin in the same microsecond") {
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 1ms, .probe_timeout = 1ms};
  Snapshot snapshot = closed_snapshot(start);
  uint64_t last = snapshot.generation;
  for (int i = 0; i < 100; ++i) {
    snapshot.open_until = start;  // no time passes
    const PermitId permit = admitted(snapshot, policy, start);
    apply(snapshot, policy, Settle{permit, {i % 2 == 0 ? Outcome::failure : Outcome::success}}, start);
    CHECK(snapshot.generation > last);
    last = snapshot.generation;
  }
}

TEST_CASE("a breaker that lost its state does not repeat a generation") {
  const Policy policy{.failure_threshold = 1};
  Snapshot before = closed_snapshot(start);
  apply(before, policy, Settle{admitted(before, policy, start), {Outcome::failure}}, start + 1s);
  CHECK(closed_snapshot(start + 2s).generation > before.generation);
}

TEST_CASE("a clock that is set back does not set generations back") {
  const Policy policy{.failure_threshold = 1};
  Snapshot snapshot = closed_snapshot(start);
  const uint64_t before = snapshot.generation;
  apply(snapshot, policy, Settle{admitted(snapshot, policy, start), {Outcome::failure}}, start - 1h);
  CHECK(snapshot.generation == before + 1);
}

TEST_CASE("a permit accepts one result only") {
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 1s, .success_threshold = 2};
  Snapshot snapshot = closed_snapshot(start);
  apply(snapshot, policy, Settle{admitted(snapshot, policy, start), {Outcome::failure}}, start);
  const PermitId probe = admitted(snapshot, policy, start + 1s);
  const Settle success{probe, {Outcome::success}};
  CHECK(apply(snapshot, policy, success, start + 1s).kind == Reply::Kind::settled);
  CHECK(apply(snapshot, policy, success, start + 1s).kind == Reply::Kind::late);
  CHECK(snapshot.state == State::half_open);
  CHECK(snapshot.successes == 1);
}

TEST_CASE("retry_after is rounded up and never zero") {
  CHECK(retry_after(State::open, start + 1us, start, {}) == 1ms);
  CHECK(retry_after(State::open, start + 1001us, start, {}) == 2ms);
  CHECK(retry_after(State::open, start, start, {}) == 1ms);
}
