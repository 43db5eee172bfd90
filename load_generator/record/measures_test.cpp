#include "load_generator/record/measures.hpp"

#include <doctest/doctest.h>

#include "load_generator/record/reconciliation.hpp"

using namespace load;
using std::chrono::milliseconds;

namespace {

constexpr auto success = CallStatus::success;
constexpr auto failure = CallStatus::failure;
constexpr auto blocked = CallStatus::blocked;

Measures measure(const Run& run) { return measure(run, timeline(run)); }

// A run of 1 s with the targets Instance-A, Instance-B, ...
Run run_with(size_t targets) {
  Run run;
  for (size_t i = 0; i < targets; ++i) {
    run.targets.push_back({std::string("Instance-") + static_cast<char>('A' + i), ""});
  }
  run.samples.resize(targets);
  run.length = milliseconds(1000);
  run.recovery_timeout = milliseconds(100);
  return run;
}

Call call(CallStatus status, uint64_t generation = 1) {
  Call call;
  call.status = status;
  call.upstream_calls = usual_upstream_calls(status);
  call.generation = generation;
  return call;
}

Call probe_at(int ms, CallStatus status) {
  Call probe = call(status);
  probe.probe = true;
  probe.intended = milliseconds(ms);
  return probe;
}

Transition trip(size_t target, uint64_t generation) {
  return {target, generation, State::closed, State::open, "3 consecutive failures", Offset(0)};
}

Transition change(State from, State to, size_t target = 0) { return {target, 1, from, to, "", Offset(0)}; }

Transition change_at(int ms, State from, State to, size_t target) {
  return {target, 1, from, to, "", milliseconds(ms)};
}

}  // namespace

TEST_CASE("the upstream's measures come from its ledger; hangs and drops are failures") {
  Run run = run_with(2);
  run.ledger = Ledger{{"Instance-A", {7, 1, 3, 2, 1}}, {"Instance-B", {1, 1, 0, 0, 0}}};
  const Measures measures = measure(run);
  CHECK(measures.at("upstream_calls") == 8);
  CHECK(measures.at("upstream_failures") == 6);
}

TEST_CASE("counted failures leave out failures that came late, but not late successes") {
  Run run = run_with(1);
  run.calls = {call(failure), call(failure), call(success)};
  run.calls[1].late = run.calls[2].late = true;
  run.ledger = Ledger{{"Instance-A", {3, 1, 2, 0, 0}}};
  CHECK(measure(run).at("counted_failures") == 1);
  CHECK(measure(run).at("late") == 2);
}

TEST_CASE("without a ledger its measures are absent, not zero") {
  const Measures measures = measure(run_with(1));
  for (const char* name : {"upstream_calls", "upstream_failures", "counted_failures", "unexplained"}) {
    CHECK_FALSE(measures.contains(name));
  }
}

TEST_CASE("answers are counted by status, and a blocked call is not a failure") {
  Run run = run_with(1);
  run.calls = {call(success), call(failure), call(blocked), call(blocked), call(CallStatus::exception)};
  const Measures measures = measure(run);
  CHECK(measures.at("success") == 1);
  CHECK(measures.at("failure") == 1);
  CHECK(measures.at("blocked") == 2);
  CHECK(measures.at("exception") == 1);
  CHECK(measures.at("unreachable") == 0);
}

TEST_CASE("wasted: failed calls while another instance's breaker was open") {
  Run run = run_with(2);
  run.samples = {{{Offset(0), State::closed}}, {{Offset(0), State::closed}}};
  run.transitions = {change_at(5, State::closed, State::open, 0)};
  run.calls = {call(failure), probe_at(10, failure), probe_at(20, success)};
  for (Call& each : run.calls) each.target = 1;
  CHECK(measure(run).at("wasted") == 1);
  run.transitions.clear();
  CHECK(measure(run).at("wasted") == 0);
}

TEST_CASE("transitions to open and to closed are counted, failed probes included") {
  Run run = run_with(1);
  run.transitions = {trip(0, 2), change(State::open, State::half_open), change(State::half_open, State::open),
                     change(State::open, State::half_open), change(State::half_open, State::closed)};
  CHECK(measure(run).at("opened") == 2);
  CHECK(measure(run).at("closed_again") == 1);
}

TEST_CASE("probes are counted, in groups that a gap of more than half the recovery timeout divides") {
  Run run = run_with(1);
  run.calls = {probe_at(10, failure), call(success),         probe_at(110, failure),
               probe_at(0, failure),  probe_at(55, failure), probe_at(500, success)};
  const Measures measures = measure(run);
  CHECK(measures.at("probes") == 5);
  CHECK(measures.at("failed_probes") == 4);
  CHECK(measures.at("most_probes_at_once") == 3);  // 0, 10 and 55 ms; then 55 ms of nothing
}

TEST_CASE("calls per trip: without probes, late and blocked calls, and generations that have not tripped") {
  Run run = run_with(1);
  run.calls = {call(failure, 1), call(failure, 1), call(failure, 1),     call(blocked, 0),
               call(success, 5), call(failure, 5), probe_at(0, success), call(failure, 9)};
  run.calls[2].late = true;
  run.transitions = {trip(0, 2), trip(0, 6)};
  CHECK(measure(run).at("calls_per_trip") == 2);  // (2 + 2) / 2
  run.transitions.clear();
  CHECK_FALSE(measure(run).contains("calls_per_trip"));
}

TEST_CASE("calls per trip are counted for each breaker, separate or shared") {
  Run run = run_with(2);
  run.calls = {call(failure, 1), call(failure, 1)};
  run.calls[1].target = 1;
  run.transitions = {trip(0, 2)};
  CHECK(measure(run).at("calls_per_trip") == 1);
  run.shared_breaker = true;
  CHECK(measure(run).at("calls_per_trip") == 2);
}

TEST_CASE("instances that opened: those that reported it, and those that a poll saw open") {
  Run run = run_with(3);
  CHECK(measure(run).at("instances_that_opened") == 0);
  run.transitions = {trip(1, 2), trip(1, 4)};
  CHECK(measure(run).at("instances_that_opened") == 1);
  run.samples[2] = {{milliseconds(0), State::closed}, {milliseconds(100), State::open}};
  CHECK(measure(run).at("instances_that_opened") == 2);
}

TEST_CASE("blocked elsewhere leaves out the instance whose network was broken") {
  Run run = run_with(2);
  run.calls = {call(blocked), call(blocked), call(blocked)};
  run.calls[2].target = 1;
  CHECK_FALSE(measure(run).contains("blocked_elsewhere"));
  run.cut_off = 0;
  CHECK(measure(run).at("blocked_elsewhere") == 1);
}

TEST_CASE("a lost call is found, whether the ledger or the instances miss it") {
  Run run = run_with(2);
  run.calls = {call(success), call(failure), call(blocked), call(CallStatus::exception)};
  run.calls[3].target = 1;
  run.ledger = Ledger{{"Instance-A", {2, 1, 1, 0, 0}}, {"Instance-B", {1, 0, 0, 1, 0}}};
  CHECK(measure(run).at("unexplained") == 0);
  run.ledger->at("Instance-A").received = 1;
  CHECK(measure(run).at("unexplained") == 1);
  run.ledger->at("Instance-B").received = 3;
  CHECK(measure(run).at("unexplained") == 3);
}

TEST_CASE("a caller that is not a target is unexplained") {
  Run run = run_with(1);
  run.ledger = Ledger{{"stranger", {2, 2, 0, 0, 0}}};
  CHECK(measure(run).at("unexplained") == 2);
}

TEST_CASE("an exception that was never sent is not expected in the ledger; a call without an answer may be there") {
  Run run = run_with(1);
  run.calls = {call(CallStatus::exception), call(CallStatus::unreachable)};
  run.calls[0].upstream_calls = 0;
  run.ledger = Ledger{};
  CHECK(measure(run).at("unexplained") == 0);
  run.ledger = Ledger{{"Instance-A", {1, 1, 0, 0, 0}}};
  CHECK(measure(run).at("unexplained") == 0);
}

TEST_CASE("a call that was refused a connection explains no request in the ledger; one that was cut off does") {
  Run run = run_with(1);
  run.calls = {call(success), call(CallStatus::unreachable)};
  run.ledger = Ledger{{"Instance-A", {2, 2, 0, 0, 0}}};
  CHECK(measure(run).at("unexplained") == 0);
  run.calls[1].may_have_arrived = false;
  CHECK(measure(run).at("unexplained") == 1);
}

TEST_CASE("reconciliation with retries: a call counts as many requests as its answer says, blocked or not") {
  Run run = run_with(1);
  run.calls = {call(success), call(failure), call(blocked)};
  run.calls[0].upstream_calls = 4;
  run.calls[2].upstream_calls = 2;
  run.ledger = Ledger{{"Instance-A", {7, 1, 6, 0, 0}}};
  CHECK(measure(run).at("unexplained") == 0);
  run.ledger->at("Instance-A").received = 6;
  CHECK(measure(run).at("unexplained") == 1);
}

TEST_CASE("a transition that leaves the breaker as it was neither opens nor closes it") {
  Run run = run_with(1);
  run.transitions = {change(State::closed, State::closed), change(State::closed, State::open),
                     change(State::open, State::open)};
  CHECK(measure(run).at("opened") == 1);
  CHECK(measure(run).at("closed_again") == 0);
}

TEST_CASE("the load factor is what the upstream received per call made, blocked ones included") {
  Run run = run_with(1);
  run.ledger = Ledger{{"Instance-A", {6, 0, 6, 0, 0}}};
  CHECK_FALSE(measure(run).contains("load_factor"));
  run.calls = {call(failure), call(failure), call(failure), call(blocked)};
  CHECK(measure(run).at("load_factor") == 1.5);
  run.ledger.reset();
  CHECK_FALSE(measure(run).contains("load_factor"));
}

TEST_CASE("a call that a bulkhead refused is blocked, and counted separately, too") {
  Run run = run_with(1);
  run.calls = {call(blocked), call(blocked), call(success)};
  run.calls[1].refused_by_bulkhead = true;
  CHECK(measure(run).at("blocked") == 2);
  CHECK(measure(run).at("refused_by_bulkhead") == 1);
}

TEST_CASE("would-be trips are summed over the instances that report them") {
  Run run = run_with(3);
  CHECK_FALSE(measure(run).contains("would_have_tripped"));
  run.would_have_tripped = {2, std::nullopt, 1};
  CHECK(measure(run).at("would_have_tripped") == 3);
}

TEST_CASE("a break lasts from open to the same breaker's next state, whatever is forced in between") {
  Run run = run_with(2);
  run.transitions = {change_at(100, State::closed, State::open, 0), change_at(200, State::closed, State::open, 1),
                     change_at(300, State::open, State::open, 0), change_at(450, State::open, State::half_open, 0),
                     change_at(460, State::half_open, State::open, 0)};
  CHECK(measure(run).at("shortest_break_ms") == 350);
  CHECK(measure(run).at("longest_break_ms") == 350);
  run.transitions.push_back(change_at(1260, State::open, State::half_open, 0));
  CHECK(measure(run).at("shortest_break_ms") == 350);
  CHECK(measure(run).at("longest_break_ms") == 800);
}

TEST_CASE("a break of a shared breaker may be ended by another instance than began it") {
  Run run = run_with(2);
  run.transitions = {change_at(100, State::closed, State::open, 0), change_at(350, State::open, State::half_open, 1)};
  CHECK_FALSE(measure(run).contains("longest_break_ms"));
  run.shared_breaker = true;
  CHECK(measure(run).at("longest_break_ms") == 250);
}

TEST_CASE("transitions of local breakers are counted separately") {
  Run run = run_with(2);
  run.shared_breaker = true;
  run.calls = {call(failure, 1), call(failure, 1), call(failure, 1)};
  run.transitions = {change_at(100, State::closed, State::open, 0), change_at(200, State::open, State::half_open, 0),
                     change_at(220, State::half_open, State::open, 0),
                     change_at(300, State::half_open, State::closed, 0),
                     change_at(500, State::open, State::half_open, 1)};
  run.transitions[0].generation = 2;
  for (const size_t local : {1, 2, 3}) run.transitions[local].local = true;
  CHECK(measure(run).at("opened") == 1);
  CHECK(measure(run).at("opened_locally") == 1);
  CHECK(measure(run).at("closed_again") == 0);
  CHECK(measure(run).at("shortest_break_ms") == 400);
  CHECK(measure(run).at("calls_per_trip") == 3);
  run.transitions.push_back(change_at(600, State::closed, State::open, 1));
  run.transitions.back().generation = 3;
  run.transitions.back().local = true;
  CHECK(measure(run).at("calls_per_trip") == 3);
}

TEST_CASE("the slowest answer may have any outcome except unreachable") {
  Run run = run_with(1);
  run.calls = {call(CallStatus::unreachable)};
  run.calls[0].latency = milliseconds(900);
  CHECK_FALSE(measure(run).contains("slowest_answer_ms"));
  run.calls.push_back(call(blocked));
  run.calls[1].latency = milliseconds(70);
  run.calls.push_back(call(success));
  run.calls[2].latency = milliseconds(30);
  CHECK(measure(run).at("slowest_answer_ms") == 70);
}

TEST_CASE("redis_scripts is absent if they could not be counted") {
  Run run = run_with(1);
  CHECK_FALSE(measure(run).contains("redis_scripts"));
  run.redis_scripts = 7;
  CHECK(measure(run).at("redis_scripts") == 7);
}

TEST_CASE("the 99th percentile is of successes only") {
  Run run = run_with(1);
  run.calls = {call(failure)};
  run.calls[0].latency = milliseconds(900);
  CHECK_FALSE(measure(run).contains("p99_success_ms"));
  run.calls.push_back(call(success));
  run.calls[1].latency = milliseconds(30);
  CHECK(measure(run).at("p99_success_ms") == 30);
}

TEST_CASE("every measure has a name in the list that scenario files are checked against") {
  Run run = run_with(1);
  run.calls = {probe_at(0, success), call(failure)};
  run.transitions = {trip(0, 2), change(State::open, State::half_open)};
  run.would_have_tripped = {0};
  run.ledger = Ledger{};
  run.cut_off = 0;
  run.redis_back_at = Offset(0);
  run.redis_scripts = 0;
  const Measures measures = measure(run);
  for (const std::string& name : measure_names()) CHECK_MESSAGE(measures.contains(name), name);
  CHECK(measures.size() == measure_names().size());
}
