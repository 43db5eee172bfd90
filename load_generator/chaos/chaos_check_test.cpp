// Made-up histories: a good one, and one violation of each check.
#include "load_generator/chaos/chaos_check.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace load;
using std::chrono::milliseconds;

namespace {

Call call(int ms, CallStatus status, size_t target = 0, int took_ms = 5) {
  Call call;
  call.target = target;
  call.intended = milliseconds(ms);
  call.latency = milliseconds(took_ms);
  call.status = status;
  call.generation = 1;
  call.upstream_calls = usual_upstream_calls(status);
  return call;
}

Call probe(int ms, uint64_t generation, size_t target = 0, int took_ms = 5) {
  Call probe = call(ms, CallStatus::success, target, took_ms);
  probe.probe = true;
  probe.generation = generation;
  return probe;
}

Transition began(int ms, uint64_t generation, State from, State to, size_t target = 0) {
  return {target, generation, from, to, "for a reason", milliseconds(ms)};
}

Transition began_locally(int ms, uint64_t generation, State from, State to, size_t target = 0) {
  Transition transition = began(ms, generation, from, to, target);
  transition.local = true;
  return transition;
}

// Two instances; the upstream fails at 1 s, the circuit trips, one probe succeeds.
ChaosHistory good_history() {
  ChaosHistory history;
  history.settings.duration = milliseconds(10'000);
  history.settings.instances = 2;
  history.healthy_from = milliseconds(10'000);
  Run& run = history.run;
  run.targets = {{"Instance-A", ""}, {"Instance-B", ""}};
  run.length = milliseconds(15'000);
  run.shared_breaker = true;
  run.calls = {call(900, CallStatus::success),     call(1000, CallStatus::failure),
               call(1100, CallStatus::failure, 1), call(1200, CallStatus::exception, 0, 510),
               call(2000, CallStatus::blocked, 1), probe(2300, 3)};
  run.transitions = {began(1700, 2, State::closed, State::open), began(2300, 3, State::open, State::half_open),
                     began(2305, 4, State::half_open, State::closed)};
  run.samples = {{{milliseconds(0), State::closed},
                  {milliseconds(1800), State::open},
                  {milliseconds(2400), State::closed},
                  {milliseconds(14'900), State::closed}},
                 {{milliseconds(0), State::closed}, {milliseconds(14'900), State::closed}}};
  run.ledger = Ledger{{"Instance-A", {4, 1, 3, 0, 0}}, {"Instance-B", {1, 0, 1, 0, 0}}};
  return history;
}

// The checks that do not hold, by name.
std::vector<std::string> broken(const ChaosHistory& history) {
  std::vector<std::string> names;
  for (const Verdict& verdict : check(history)) {
    if (!verdict.violations.empty()) names.push_back(verdict.check);
    CHECK((verdict.measured > verdict.at_most) <= !verdict.violations.empty());
  }
  CHECK(all_held(check(history)) == names.empty());
  return names;
}

using Broken = std::vector<std::string>;

}  // namespace

TEST_CASE("a good history violates no check") { CHECK(broken(good_history()) == Broken{}); }

TEST_CASE("answered: a call without an answer is a violation that says which and when") {
  ChaosHistory history = good_history();
  history.run.calls.push_back(call(5000, CallStatus::unreachable, 1, 5500));
  CHECK(broken(history) == Broken{"answered"});
  const Violation violation = check(history).front().violations.at(0);
  CHECK(violation.at == milliseconds(5000));
  CHECK(violation.text == "Instance-B: unreachable, 5500 ms");
}

TEST_CASE("answered: a call without an answer is allowed while its instance is down") {
  ChaosHistory history = good_history();
  history.run.calls.push_back(call(5000, CallStatus::unreachable, 1, 300));
  const auto with = [&](Absence absence) {
    ChaosHistory changed = history;
    changed.absences = {absence};
    return broken(changed);
  };
  CHECK(with({1, milliseconds(5200), milliseconds(6000)}) == Broken{});
  CHECK(with({1, milliseconds(4000), milliseconds(5100)}) == Broken{});
  CHECK(with({0, milliseconds(4000), milliseconds(6000)}) == Broken{"answered"});
  CHECK(with({1, milliseconds(4000), milliseconds(4900)}) == Broken{"answered"});
  CHECK(with({1, milliseconds(5400), milliseconds(6000)}) == Broken{"answered"});
}

TEST_CASE(
    "in time: an answer later than the call's deadline, the longest wait for Redis and the slack is a violation") {
  ChaosHistory history = good_history();
  history.run.calls.push_back(call(5000, CallStatus::exception, 0, 1101));
  history.run.ledger->at("Instance-A").received += 1;
  CHECK(broken(history) == Broken{"in time"});
  history.settings.slack = milliseconds(101);
  CHECK(broken(history) == Broken{});
}

TEST_CASE("in time: the time until a call was sent does not count") {
  ChaosHistory history = good_history();
  history.run.calls.push_back(call(5000, CallStatus::blocked, 0, 150));
  history.run.calls.back().sent_late = milliseconds(50);
  CHECK(broken(history) == Broken{});
  history.run.calls.back().sent_late = milliseconds(49);
  CHECK(broken(history) == Broken{"in time"});
}

TEST_CASE("in time: a rejection that takes longer than the slack is a violation") {
  ChaosHistory history = good_history();
  history.run.calls.push_back(call(5000, CallStatus::blocked, 0, 101));
  CHECK(broken(history) == Broken{"in time"});
}

TEST_CASE("protected: an instance that lets one failure after another through is a violation") {
  const auto with = [](int failures, Call in_between) {
    ChaosHistory history = good_history();
    for (int i = 0; i < failures; ++i) history.run.calls.push_back(call(5000 + 10 * i, CallStatus::failure));
    history.run.calls.push_back(in_between);
    history.run.ledger->at("Instance-A").received += static_cast<uint64_t>(failures) + 10;
    Broken names = broken(history);
    std::erase(names, "explained");
    return names;
  };
  const Call afterwards = call(6000, CallStatus::success);
  CHECK(with(9, afterwards) == Broken{});
  CHECK(with(10, afterwards) == Broken{"protected"});
  CHECK(with(18, call(5085, CallStatus::success, 1)) == Broken{});
  CHECK(with(18, call(5085, CallStatus::blocked, 0)) == Broken{});
  CHECK(with(18, call(5085, CallStatus::blocked, 1)) == Broken{"protected"});
}

TEST_CASE("protected: calls that were in flight together may all fail") {
  ChaosHistory history = good_history();
  for (int i = 0; i < 20; ++i) history.run.calls.push_back(call(5000 + 10 * i, CallStatus::exception, 0, 500));
  history.run.ledger->at("Instance-A").received += 20;
  CHECK(broken(history) == Broken{});
}

TEST_CASE("protected: late failures and failed probes do not count") {
  ChaosHistory history = good_history();
  for (int i = 0; i < 20; ++i) history.run.calls.push_back(call(5000 + 10 * i, CallStatus::failure));
  for (size_t i = 6; i < 26; ++i) history.run.calls[i].late = true;
  history.run.ledger->at("Instance-A").received += 20;
  CHECK(broken(history) == Broken{});
}

TEST_CASE("one probe: two probes in one generation of the shared breaker are a violation, from any instance") {
  ChaosHistory history = good_history();
  history.run.calls.push_back(probe(2400, 3, 1));
  history.run.ledger->at("Instance-B").received += 1;
  CHECK(broken(history) == Broken{"one probe"});
  history.breaker.permitted_calls_in_half_open = 2;
  CHECK(broken(history) == Broken{});
}

TEST_CASE("one probe: a second probe is allowed if the first one's lease may have run out, or in another generation") {
  ChaosHistory history = good_history();
  history.run.calls.push_back(probe(2300 + 1400, 3, 1, 100));  // may have begun just before its answer
  history.run.ledger->at("Instance-B").received += 1;
  CHECK(broken(history) == Broken{});
  history.run.calls.back() = probe(2310, 5, 1);
  CHECK(broken(history) == Broken{});
}

TEST_CASE("one probe: each local breaker may have one probe") {
  ChaosHistory history = good_history();
  history.run.transitions.push_back(began_locally(5000, 9, State::open, State::half_open, 0));
  history.run.transitions.push_back(began_locally(5000, 9, State::open, State::half_open, 1));
  history.run.calls.push_back(probe(5000, 9, 0));
  history.run.calls.push_back(probe(5000, 9, 1));
  history.run.ledger = Ledger{{"Instance-A", {5, 0, 0, 0, 0}}, {"Instance-B", {2, 0, 0, 0, 0}}};
  CHECK(broken(history) == Broken{});
  history.run.calls.push_back(probe(5010, 9, 1));
  history.run.ledger->at("Instance-B").received += 1;
  CHECK(broken(history) == Broken{"one probe"});
}

TEST_CASE("one probe: a local generation may have the number of the shared one that follows") {
  ChaosHistory history = good_history();
  history.run.transitions.push_back(began_locally(5008, 9, State::open, State::half_open, 0));
  history.run.calls.push_back(probe(5000, 9, 0));
  history.run.transitions.push_back(began(5208, 9, State::open, State::half_open, 0));
  history.run.calls.push_back(probe(5200, 9, 0));
  history.run.ledger = Ledger{{"Instance-A", {6, 0, 0, 0, 0}}, {"Instance-B", {1, 0, 0, 0, 0}}};
  const Broken all = broken(history);
  CHECK(std::find(all.begin(), all.end(), "one probe") == all.end());
  history.run.calls.push_back(probe(5210, 9, 1));
  const Broken with_another = broken(history);
  CHECK(std::find(with_another.begin(), with_another.end(), "one probe") != with_another.end());
}

TEST_CASE(
    "unique: a generation of the shared breaker that starts twice is a violation, but not one of local breakers") {
  ChaosHistory history = good_history();
  history.run.transitions.push_back(began(2306, 4, State::half_open, State::closed, 1));
  CHECK(broken(history) == Broken{"unique"});
  history.run.transitions.back().local = true;
  CHECK(broken(history) == Broken{});
}

TEST_CASE("in order: an instance that reports an older generation after a newer one is a violation") {
  ChaosHistory history = good_history();
  history.run.transitions.push_back(began(5000, 1, State::closed, State::open));
  CHECK(broken(history) == Broken{"in order"});
  history.run.transitions.back().target = 1;  // which reports nothing else
  CHECK(broken(history) == Broken{});
}

TEST_CASE("in order: a local breaker's generations have a separate order") {
  ChaosHistory history = good_history();
  history.run.transitions.push_back(began_locally(5000, 1, State::closed, State::open));
  CHECK(broken(history) == Broken{});
  history.run.transitions.push_back(began_locally(6000, 1, State::open, State::half_open));
  CHECK(broken(history) == Broken{"in order"});
}

TEST_CASE("explained: a call that only one side knows is a violation, and so is a ledger that could not be read") {
  ChaosHistory history = good_history();
  history.run.ledger->at("Instance-B").received = 2;
  CHECK(broken(history) == Broken{"explained"});
  history.run.ledger->at("Instance-B").received = 0;
  CHECK(broken(history) == Broken{"explained"});
  history.run.ledger.reset();
  CHECK(broken(history) == Broken{"explained"});
}

TEST_CASE("explained: calls of a killed instance may be in the ledger, but not those that were refused a connection") {
  ChaosHistory history = good_history();
  history.run.calls.push_back(call(5000, CallStatus::unreachable, 1));
  history.absences = {{1, milliseconds(5001), milliseconds(6000)}};
  history.run.ledger->at("Instance-B").received += 1;
  CHECK(broken(history) == Broken{});
  history.run.calls.back().may_have_arrived = false;
  CHECK(broken(history) == Broken{"explained"});
}

TEST_CASE("recovered: an instance that remains open or half-open after the last fault is a violation") {
  CHECK(time_to_recover({}, {}) == milliseconds(500 + 1500 + 500 + 2000 + 100));
  ChaosHistory history = good_history();
  const auto with = [&](std::vector<Sample> samples) {
    ChaosHistory changed = history;
    changed.run.samples[1] = std::move(samples);
    return broken(changed);
  };
  const Sample early{milliseconds(1000), State::half_open};
  CHECK(with({early, {milliseconds(14'600), State::closed}}) == Broken{});
  CHECK(with({early, {milliseconds(12'000), State::open}, {milliseconds(14'601), State::closed}}) ==
        Broken{"recovered"});
  CHECK(with({early, {milliseconds(10'100), State::closed}, {milliseconds(10'399), State::open}}) ==
        Broken{"recovered"});
  CHECK(with({early, {milliseconds(10'100), State::closed}, {milliseconds(10'401), State::open}}) == Broken{});
}

TEST_CASE(
    "recovered: an instance that remains unreachable or on its local breaker after the last fault is a violation") {
  ChaosHistory history = good_history();
  const auto with = [&](std::vector<Sample> samples) {
    ChaosHistory changed = history;
    changed.run.samples[0] = std::move(samples);
    return check(changed).back().violations;
  };
  const auto ill = [&](Sample sample) { return with({{milliseconds(0), State::closed}, sample}); };
  CHECK(ill({milliseconds(10'100), State::closed}).empty());
  REQUIRE(ill({milliseconds(10'100), State::unknown}).size() == 1);
  CHECK(ill({milliseconds(10'100), State::unknown})[0].at == milliseconds(14'700));
  CHECK(ill({milliseconds(10'100), State::unknown})[0].text == "Instance-A: still unknown");
  CHECK(ill({milliseconds(10'100), State::closed, true})[0].text == "Instance-A: still closed, on its local breaker");
  CHECK(with({})[0].text == "Instance-A: still never polled");
}
