#include "load_generator/experiment/machine_noise.hpp"

#include <doctest/doctest.h>

using namespace load;
using std::chrono::milliseconds;

namespace {

Sample closed_at(int ms) { return {milliseconds(ms), State::closed, false}; }
Sample local_at(int ms) { return {milliseconds(ms), State::open, true}; }

// Instance-A is polled every 100 ms, and calls are sent on time.
Run calm() {
  Run run;
  run.targets = {{"Instance-A", ""}};
  run.samples = {{closed_at(5), closed_at(105), closed_at(207), closed_at(310)}};
  run.calls.resize(2);
  run.calls[1].sent_late = milliseconds(3);
  run.calls[1].latency = milliseconds(800);  // a slow upstream is not a sign
  return run;
}

const Faults none;
Faults redis_killed_at(int ms) {
  Faults faults;
  faults.redis = {{milliseconds(ms), RedisFault::kill}, {milliseconds(ms + 500), RedisFault::restart}};
  return faults;
}

}  // namespace

TEST_CASE("neither a calm run nor an empty one shows signs of a busy machine") {
  CHECK(machine_noise(calm(), none).empty());
  CHECK(machine_noise({}, none).empty());
}

TEST_CASE("a call that was sent late is a sign") {
  Run run = calm();
  run.calls[0].sent_late = milliseconds(82);
  CHECK(machine_noise(run, none) == "a call was sent 82 ms late");
}

TEST_CASE("an instance that skipped polls is a sign") {
  Run run = calm();
  run.samples[0].push_back(closed_at(700));
  CHECK(machine_noise(run, none) == "Instance-A did not answer for 390 ms");
}

TEST_CASE("an instance on its local breaker is a sign only before the first fault of Redis") {
  Run run = calm();
  run.samples[0].push_back(local_at(410));
  CHECK(machine_noise(run, none) == "Instance-A got no answer from Redis in time");
  CHECK(machine_noise(run, redis_killed_at(500)) == "Instance-A got no answer from Redis in time");
  CHECK(machine_noise(run, redis_killed_at(400)).empty());
}
