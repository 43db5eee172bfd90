#include "load_generator/record/timeline.hpp"

#include <doctest/doctest.h>

#include <numeric>

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace load {  // where `open` is not the system call
namespace {

constexpr auto closed = State::closed;
constexpr auto open = State::open;
constexpr auto half_open = State::half_open;
constexpr auto unknown = State::unknown;
constexpr size_t a = 0, b = 1, c = 2;

enum class Stage { own_breakers, one_breaker };

Run run_of_stage(size_t targets, Stage stage = Stage::own_breakers) {
  Run run;
  run.targets.resize(targets);
  run.samples.resize(targets);
  run.length = milliseconds(1000);
  run.shared_breaker = stage == Stage::one_breaker;
  return run;
}

void poll(Run& run, size_t target, std::initializer_list<std::pair<int, State>> samples) {
  for (const auto& [ms, state] : samples) run.samples[target].push_back({milliseconds(ms), state});
}

void poll_local(Run& run, size_t target, std::initializer_list<std::pair<int, State>> samples) {
  for (const auto& [ms, state] : samples) run.samples[target].push_back({milliseconds(ms), state, true});
}

void all_closed_at_start(Run& run) {
  for (size_t target = 0; target < run.samples.size(); ++target) poll(run, target, {{0, closed}});
}

// The n-th transition ends the n-th generation.
void change(Run& run, size_t target, int ms, State from, State to) {
  run.transitions.push_back({target, run.transitions.size() + 2, from, to, "", milliseconds(ms)});
}

void change_locally(Run& run, size_t target, int ms, State from, State to) {
  change(run, target, ms, from, to);
  run.transitions.back().local = true;
}

// "0 C, 100 O": easy to read in a failed check.
std::string text(const std::vector<Sample>& lane) {
  std::string result;
  for (const Sample& point : lane) {
    result += (result.empty() ? "" : ", ") + std::to_string(point.at / milliseconds(1)) + " " + letter(point.state) +
              (point.local ? " local" : "");
  }
  return result;
}

std::string lane(const Run& run, size_t target) { return text(timeline(run).lanes.at(target)); }

Call call(size_t target, Offset sent, uint64_t generation = 0, CallStatus status = CallStatus::failure) {
  Call call;
  call.target = target;
  call.intended = sent - milliseconds(1);
  call.sent_late = milliseconds(1);
  call.status = status;
  call.upstream_calls = usual_upstream_calls(status);
  call.generation = generation;
  return call;
}

Call probe(size_t target, Offset sent, uint64_t generation) {
  Call result = call(target, sent, generation);
  result.probe = true;
  return result;
}

bool wasted(Run run, const Call& call) {
  run.calls = {call};
  return timeline(run).marks.at(0).wasted;
}

uint64_t sum(const std::vector<uint64_t>& counts) { return std::accumulate(counts.begin(), counts.end(), uint64_t{0}); }

}  // namespace

TEST_CASE("a lane starts with its first sample, and has only changes") {
  Run run = run_of_stage(2);
  poll(run, a, {{2, closed}, {100, closed}, {200, closed}});
  CHECK(lane(run, a) == "2 C");
  CHECK(lane(run, b).empty());
  change(run, b, 100, closed, open);
  CHECK(lane(run, b).empty());
}

TEST_CASE("a transition has its own time, not that of the poll that saw it") {
  Run run = run_of_stage(2);
  poll(run, a, {{0, closed}, {100, closed}, {200, open}});
  poll(run, b, {{0, closed}, {100, closed}, {200, closed}});
  change(run, a, 130, closed, open);
  CHECK(lane(run, a) == "0 C, 130 O");
  CHECK(lane(run, b) == "0 C");
}

TEST_CASE("a half-open period that no poll saw is drawn, even one of zero length") {
  Run run = run_of_stage(1);
  poll(run, a, {{0, open}, {100, open}, {200, open}});
  change(run, a, 110, open, half_open);
  change(run, a, 112, half_open, open);
  change(run, a, 150, open, half_open);
  change(run, a, 150, half_open, open);
  CHECK(lane(run, a) == "0 O, 110 H, 112 O, 150 H, 150 O");
  std::swap(run.transitions[0], run.transitions[3]);
  CHECK(lane(run, a) == "0 O, 110 H, 112 O, 150 H, 150 O");
}

TEST_CASE("a transition of the shared breaker counts for all instances, except those on their local breaker") {
  Run run = run_of_stage(3, Stage::one_breaker);
  poll(run, a, {{0, closed}});
  poll(run, b, {{0, closed}});
  poll_local(run, c, {{0, closed}});
  change(run, a, 50, closed, open);
  CHECK(lane(run, b) == "0 C, 50 O");
  CHECK(lane(run, c) == "0 C local");
  change_locally(run, c, 70, closed, open);
  CHECK(lane(run, c) == "0 C local, 70 O local");
  change_locally(run, c, 80, open, half_open);
  CHECK(lane(run, b) == "0 C, 50 O");
}

TEST_CASE("one poll that contradicts the transitions is ignored; two are believed, from the first of them on") {
  Run run = run_of_stage(2, Stage::one_breaker);
  all_closed_at_start(run);
  change(run, a, 99, closed, open);
  poll(run, b, {{100, closed}, {200, open}, {300, closed}, {400, open}});
  CHECK(lane(run, b) == "0 C, 99 O");
  poll(run, b, {{500, closed}, {600, closed}, {700, closed}});
  CHECK(lane(run, b) == "0 C, 99 O, 500 C");
}

TEST_CASE("a poll from before a transition does not count against it") {
  Run run = run_of_stage(1);
  poll(run, a, {{0, closed}, {100, closed}, {200, closed}});
  change(run, a, 99, closed, open);
  change(run, a, 199, open, half_open);
  CHECK(lane(run, a) == "0 C, 99 O, 199 H");
}

TEST_CASE("a missing answer shows at once, and shared transitions of that time when the instance answers again") {
  Run run = run_of_stage(2, Stage::one_breaker);
  all_closed_at_start(run);
  poll(run, b, {{100, unknown}, {200, unknown}});
  change(run, a, 150, closed, open);
  CHECK(lane(run, b) == "0 C, 100 ?");
  poll(run, b, {{300, open}});
  CHECK(lane(run, b) == "0 C, 100 ?, 300 O");
}

TEST_CASE("a restarted instance has lost its transitions: its first answer counts") {
  Run run = run_of_stage(1);
  poll(run, a, {{0, closed}, {100, open}, {200, unknown}, {300, closed}});
  change(run, a, 50, closed, open);
  CHECK(lane(run, a) == "0 C, 50 O, 200 ?, 300 C");
  run.samples[a][1].state = closed;  // in doubt when the answers stop
  CHECK(lane(run, a) == "0 C, 50 O, 200 ?, 300 C");
}

TEST_CASE("polls show at once that an instance switches to its local breaker and back") {
  Run run = run_of_stage(2, Stage::one_breaker);
  poll(run, a, {{0, open}});
  poll(run, b, {{0, open}});
  poll_local(run, b, {{100, closed}, {200, closed}});
  poll(run, b, {{300, open}});
  CHECK(lane(run, b) == "0 O, 100 C local, 300 O");
}

TEST_CASE("a transition just before the first local poll is newer than that poll") {
  Run run = run_of_stage(1, Stage::one_breaker);
  poll(run, a, {{0, closed}});
  change_locally(run, a, 99, closed, open);
  poll_local(run, a, {{100, closed}, {200, open}});
  CHECK(lane(run, a) == "0 C, 99 O, 100 O local");
}

TEST_CASE("without the transitions before a window, its first sample gives the state") {
  Run run = run_of_stage(2, Stage::one_breaker);
  poll(run, a, {{120'000, open}, {120'100, open}});
  poll(run, b, {{120'050, open}});
  change(run, b, 119'990, closed, open);
  CHECK(lane(run, a) == "120000 O");
  CHECK(lane(run, b) == "120050 O");
}

TEST_CASE("a transition to an unknown state changes nothing") {
  Run run = run_of_stage(1);
  poll(run, a, {{0, closed}});
  change(run, a, 50, closed, unknown);
  CHECK(lane(run, a) == "0 C");
}

TEST_CASE("calls that failed, probed or came late are marks, at the time when they were sent") {
  Run run = run_of_stage(1);
  run.calls = {call(a, milliseconds(70)),
               call(a, milliseconds(10), 1, CallStatus::success),
               call(a, milliseconds(20), 1, CallStatus::blocked),
               call(a, milliseconds(30), 1, CallStatus::exception),
               call(a, milliseconds(40), 1, CallStatus::success),
               call(a, milliseconds(50), 1, CallStatus::success),
               call(a, milliseconds(60), 1, CallStatus::unreachable)};
  run.calls[4].probe = true;
  run.calls[5].late = true;
  const std::vector<Mark> all = timeline(run).marks;
  REQUIRE(all.size() == 4);
  CHECK(all[0].status == CallStatus::exception);
  CHECK(all[0].at == milliseconds(30));
  CHECK(all[1].probe);
  CHECK(all[2].late);
  CHECK_FALSE(all[2].probe);
  CHECK(all[3].status == CallStatus::failure);
}

TEST_CASE("wasted: a failed call that was sent when another instance's breaker was open, by whole milliseconds") {
  Run run = run_of_stage(2);
  all_closed_at_start(run);
  change(run, a, 100, closed, open);
  change(run, a, 200, open, half_open);
  CHECK_FALSE(wasted(run, call(b, milliseconds(99))));
  CHECK_FALSE(wasted(run, call(b, microseconds(100'999))));
  CHECK(wasted(run, call(b, milliseconds(101))));
  CHECK(wasted(run, call(b, microseconds(199'999))));
  CHECK_FALSE(wasted(run, call(b, milliseconds(200))));
  CHECK(wasted(run, call(b, milliseconds(150), 1, CallStatus::exception)));
}

TEST_CASE("not wasted: calls that were not sent, did not fail, or met only their own instance's open breaker") {
  Run run = run_of_stage(2);
  all_closed_at_start(run);
  change(run, a, 100, closed, open);
  Call sent_nothing = call(b, milliseconds(150), 1, CallStatus::exception);
  sent_nothing.upstream_calls = 0;
  CHECK_FALSE(wasted(run, sent_nothing));
  Call succeeded = call(b, milliseconds(150), 1, CallStatus::success);
  succeeded.probe = true;
  CHECK_FALSE(wasted(run, succeeded));
  CHECK_FALSE(wasted(run, call(a, milliseconds(150))));
}

TEST_CASE("with separate breakers, a failed probe is wasted while another breaker is still open") {
  Run run = run_of_stage(2);
  all_closed_at_start(run);
  change(run, a, 100, closed, open);
  change(run, b, 150, closed, open);
  change(run, a, 600, open, half_open);
  CHECK(wasted(run, probe(a, milliseconds(600), 4)));
  change(run, b, 610, open, half_open);
  CHECK_FALSE(wasted(run, probe(a, milliseconds(611), 4)));
}

TEST_CASE("with a shared breaker, a call is wasted if its instance did not know of another's trip yet") {
  Run run = run_of_stage(2, Stage::one_breaker);
  all_closed_at_start(run);
  change(run, a, 100, closed, open);
  CHECK(wasted(run, call(b, milliseconds(102), 1)));
  CHECK_FALSE(wasted(run, call(b, milliseconds(99), 1)));   // on its way already
  CHECK_FALSE(wasted(run, call(a, milliseconds(99), 1)));   // the one that made the trip
  CHECK_FALSE(wasted(run, call(a, milliseconds(102), 1)));  // it knew
}

TEST_CASE("with a shared breaker, a call that a later generation admitted is not wasted") {
  Run run = run_of_stage(3, Stage::one_breaker);
  all_closed_at_start(run);
  change(run, a, 100, closed, open);
  change(run, b, 600, open, half_open);  // by the very probe that was sent at 599
  CHECK_FALSE(wasted(run, probe(b, milliseconds(599), 3)));
  change(run, b, 605, half_open, closed);
  CHECK_FALSE(wasted(run, call(c, milliseconds(599), 4)));
  CHECK(wasted(run, call(c, milliseconds(599), 1)));
}

TEST_CASE("instances on their local breakers are treated like those with separate breakers") {
  Run run = run_of_stage(2, Stage::one_breaker);
  poll_local(run, a, {{0, closed}});
  poll_local(run, b, {{0, closed}});
  change_locally(run, a, 100, closed, open);
  CHECK(wasted(run, probe(b, milliseconds(150), 9)));
}

TEST_CASE("if the transition is older than the window, the lane shows that a breaker was open") {
  Run own = run_of_stage(2), shared = run_of_stage(2, Stage::one_breaker);
  for (Run* run : {&own, &shared}) {
    poll(*run, a, {{120'000, open}});
    poll(*run, b, {{120'000, open}});
    CHECK(wasted(*run, call(b, milliseconds(121'000))));
  }
  CHECK(wasted(own, probe(b, milliseconds(121'000), 7)));
  CHECK_FALSE(wasted(shared, probe(b, milliseconds(121'000), 7)));
}

TEST_CASE("a trip that two instances report is one: the naive store's instances do not waste their own calls") {
  Run run = run_of_stage(2, Stage::one_breaker);
  all_closed_at_start(run);
  change(run, a, 100, closed, open);
  change(run, b, 101, closed, open);
  CHECK(lane(run, a) == "0 C, 100 O");
  CHECK_FALSE(wasted(run, call(a, milliseconds(103))));
  CHECK(wasted(run, call(b, milliseconds(103))));
}

TEST_CASE("traffic counts each call in the step in which it was sent") {
  Run run = run_of_stage(1);
  run.calls = {call(a, milliseconds(0), 1, CallStatus::success), call(a, milliseconds(199), 1, CallStatus::blocked),
               call(a, milliseconds(200)), call(a, milliseconds(399), 1, CallStatus::exception),
               call(a, milliseconds(1400))};
  run.calls[0].upstream_calls = 3;  // two attempts failed, the last did not
  run.calls[2].upstream_calls = 4;
  const Traffic result = traffic(run, milliseconds(200));
  CHECK(result.upstream_calls == std::vector<uint64_t>{3, 5, 0, 0, 0, 0, 0, 1});
  CHECK(result.upstream_failures == std::vector<uint64_t>{2, 5, 0, 0, 0, 0, 0, 1});
  CHECK(result.blocked == std::vector<uint64_t>{1, 0, 0, 0, 0, 0, 0, 0});
  CHECK(sum(result.upstream_calls) == 9);
}

TEST_CASE("traffic covers the run, even if no call was sent") {
  Run run = run_of_stage(1);
  CHECK(traffic(run, milliseconds(200)).blocked == std::vector<uint64_t>(5, 0));
  run.length = microseconds(1'000'001);
  CHECK(traffic(run, milliseconds(200)).blocked.size() == 6);
}

}  // namespace load
