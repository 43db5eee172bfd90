// The system clock is set, or the machine is suspended, while a RecentHistory records.
#include <doctest/doctest.h>

#include "load_generator/live/recent_history.hpp"
#include "load_generator/live/recent_history_for_test.hpp"

using namespace load;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

int64_t dated(Offset at, Offset clock_ahead = Offset(0)) {
  return start_epoch_ms + (at + clock_ahead) / milliseconds(1);
}

// Two instances. A reports transitions, B failed calls.
class Pair {
 public:
  Pair() {
    a_.name = "Instance-A";
    b_.name = "Instance-B";
    a_.state = b_.state = State::closed;
  }
  void turns(State to, int64_t at_epoch_ms) {
    a_.transitions.push_back({++generation_, a_.state, to, "so", at_epoch_ms});
    a_.state = to;
  }
  void fails(int64_t at_epoch_ms) {
    b_.notable_calls.push_back({++number_, at_epoch_ms, {}});
    b_.notable_calls.back().call.status = CallStatus::failure;
    b_.notable_calls.back().call.upstream_calls = 1;
  }
  void is_polled(Offset now, Offset clock_ahead = Offset(0)) {
    history.record_status(0, {now, dated(now, clock_ahead)}, a_);
    history.record_status(1, {now, dated(now, clock_ahead)}, b_);
  }

  RecentHistory history{two_instances, start_epoch_ms};

 private:
  InstanceStatus a_;
  InstanceStatus b_;
  uint64_t generation_ = 0;
  uint64_t number_ = 0;
};

void check_a_step_of(Offset step, bool transitions_follow_it) {
  CAPTURE(step.count());
  CAPTURE(transitions_follow_it);
  const Offset ahead = transitions_follow_it ? step : Offset(0);
  Pair pair;
  pair.is_polled(seconds(200));
  pair.turns(State::open, dated(milliseconds(200'050)));
  pair.fails(dated(milliseconds(200'060)));  // wasted
  pair.is_polled(milliseconds(200'100));
  pair.fails(dated(milliseconds(200'120)));  // wasted
  pair.turns(State::closed, dated(milliseconds(200'130)));
  pair.fails(dated(milliseconds(200'140)));
  // The clock is set at 200'150.
  pair.fails(dated(milliseconds(200'160), step));
  pair.turns(State::open, dated(milliseconds(200'170), ahead));
  pair.fails(dated(milliseconds(200'180), step));  // wasted
  pair.is_polled(milliseconds(200'200), step);
  pair.is_polled(milliseconds(200'300), step);
  pair.is_polled(milliseconds(230'000), step);
  pair.turns(State::closed, dated(milliseconds(230'050), ahead));
  pair.fails(dated(milliseconds(230'060), step));
  pair.is_polled(milliseconds(230'100), step);
  pair.is_polled(milliseconds(230'200), step);

  const Run& run = pair.history.run();
  std::vector<int64_t> turned;
  for (const Transition& transition : run.transitions) turned.push_back(transition.at / milliseconds(1));
  CHECK(turned == std::vector<int64_t>{200'050, 200'130, 200'170, 230'050});
  const FleetSnapshot sums = pair.history.snapshot(milliseconds(230'200));
  std::vector<int64_t> marked;
  std::vector<int64_t> wasted;
  for (const Mark& mark : sums.marks) {
    marked.push_back(mark.at / milliseconds(1));
    if (mark.wasted) wasted.push_back(mark.at / milliseconds(1));
  }
  CHECK(marked == std::vector<int64_t>{200'060, 200'120, 200'140, 200'160, 200'180, 230'060});
  CHECK(wasted == std::vector<int64_t>{200'060, 200'120, 200'180});
  CHECK(sums.wasted == 3);
}

}  // namespace

TEST_CASE("transitions, marks and waste stay right when the system clock is set back or forward") {
  for (const Offset step : {Offset(seconds(-180)), Offset(hours(1)), Offset(seconds(2))}) {
    check_a_step_of(step, true);
    check_a_step_of(step, false);  // a program that keeps the clock as it stood at its start
  }
}

TEST_CASE("dates by a clock as it stood before the start are understood from the first new transition on") {
  for (const Offset step : {Offset(seconds(-180)), Offset(seconds(-30)), Offset(seconds(30))}) {
    CAPTURE(step.count());
    Pair pair;
    pair.turns(State::open, dated(milliseconds(-400'000), step));  // long ago, at a time that cannot be known
    pair.is_polled(milliseconds(1000));
    pair.turns(State::closed, dated(milliseconds(1050), step));
    pair.turns(State::open, dated(milliseconds(1080), step));
    pair.is_polled(milliseconds(1100));
    pair.turns(State::half_open, dated(milliseconds(9010), step));
    pair.is_polled(milliseconds(9100));
    std::vector<int64_t> turned;
    for (const Transition& transition : pair.history.run().transitions)
      turned.push_back(transition.at / milliseconds(1));
    CHECK(turned == std::vector<int64_t>{1070, 1100, 9030});  // the latest times at which it can have reported them
  }
}

TEST_CASE(
    "a clock that strays by up to 50 ms has not been set, and known transitions are not recorded again after a step") {
  Pair pair;
  pair.turns(State::open, dated(milliseconds(950)));
  pair.is_polled(seconds(1));
  pair.turns(State::closed, dated(milliseconds(1950)));
  pair.is_polled(seconds(2), milliseconds(50));
  pair.is_polled(seconds(3), milliseconds(-50));
  for (int hour = 1; hour < 100; ++hour) pair.is_polled(seconds(3 + hour), hours(hour));
  const auto& transitions = pair.history.run().transitions;
  REQUIRE(transitions.size() == 2);
  CHECK(transitions[0].at == milliseconds(950));
  CHECK(transitions[1].at == milliseconds(1950));
}
