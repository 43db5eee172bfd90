#include "load_generator/live/recent_history.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "load_generator/live/page_update.hpp"
#include "load_generator/live/recent_history_for_test.hpp"

using namespace load;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

InstanceStatus sharing(const std::string& name, State state) {
  InstanceStatus status = saying(name, state);
  status.store = "redis";
  status.shared_breaker = true;
  return status;
}

NotableCall failure(uint64_t number, Offset at) {
  NotableCall call{number, began + at / milliseconds(1), {}};
  call.call.status = CallStatus::failure;
  call.call.upstream_calls = 1;
  return call;
}

ReportedTransition trip(uint64_t generation, Offset at) {
  return {generation, State::closed, State::open, "3 consecutive failures", began + at / milliseconds(1)};
}

nlohmann::ordered_json frame(const LiveWindow& window, Offset now, Offset from = Offset(0)) {
  return live_frame(window, now, from);
}

}  // namespace

TEST_CASE("a call that an instance shows again and again is there once, and one after a restart is another") {
  LiveWindow window(two, began);
  InstanceStatus status = saying("Instance-A", State::closed);
  status.notable_calls = {failure(1, milliseconds(10)), failure(2, milliseconds(20))};
  take(window, 0, milliseconds(100), status);
  take(window, 0, milliseconds(200), status);
  CHECK(window.run().calls.size() == 2);
  status.notable_calls.erase(status.notable_calls.begin());
  status.notable_calls.push_back(failure(3, milliseconds(250)));
  take(window, 0, milliseconds(300), status);
  CHECK(window.run().calls.size() == 3);
  take(window, 0, milliseconds(400), std::nullopt);  // killed, and started again: it numbers anew
  status.notable_calls = {failure(1, milliseconds(450)), failure(2, milliseconds(460)), failure(3, milliseconds(470))};
  take(window, 0, milliseconds(500), status);
  CHECK(window.run().calls.size() == 6);
}

TEST_CASE(
    "what happened before the window began, or is said to happen one day, is kept out of the past and the future") {
  LiveWindow window(two, began);
  InstanceStatus status = saying("Instance-A", State::open);
  status.transitions = {trip(1, seconds(-5)), trip(2, milliseconds(50)), trip(3, minutes(99'999))};
  status.notable_calls = {failure(1, seconds(-5)), failure(2, minutes(99'999))};
  take(window, 0, milliseconds(100), status);
  REQUIRE(window.run().transitions.size() == 2);
  CHECK(window.run().transitions[0].at == milliseconds(50));
  CHECK(window.run().transitions[1].at == milliseconds(100));
  REQUIRE(window.run().calls.size() == 1);
  CHECK(window.run().calls[0].intended == milliseconds(100));
}

TEST_CASE("an hour needs no more memory than two minutes, and leaves the state in force and the sums") {
  LiveWindow window(two, began);
  uint64_t number = 0;
  InstanceStatus a = saying("Instance-A", State::open);
  InstanceStatus b = saying("Instance-B", State::closed);
  size_t most_samples = 0;
  size_t most_calls = 0;
  for (Offset now{0}; now < minutes(60); now += milliseconds(500)) {
    b.notable_calls = {failure(++number, now)};
    take(window, 0, now, a);
    take(window, 1, now, b);
    most_samples = std::max(most_samples, window.run().samples[0].size());
    most_calls = std::max(most_calls, window.run().calls.size());
  }
  CHECK(most_samples <= 2 * (10 + 5) + 3);
  CHECK(most_calls <= 2 * (120 + 5) + 2);
  const Offset end = minutes(60) - milliseconds(500);
  const LiveWindow::Sums sums = window.sums(end);
  CHECK(sums.wasted >= number - 2);  // the first was sent when nobody had seen A open
  CHECK(sums.wasted <= number);
  CHECK(sums.disagreement == end);
  CHECK(sums.disagreeing_for == end);
  CHECK(sums.lanes[0].front().at <= end - LiveWindow::length);
}

TEST_CASE("samples that say nothing new are dropped after a while, and the lanes stay as they were") {
  LiveWindow window(two, began);
  Run all;
  all.samples.resize(2);
  uint64_t generation = 0;
  InstanceStatus status = saying("Instance-A", State::closed);
  for (Offset now{0}; now < seconds(60); now += milliseconds(100)) {
    const auto second = static_cast<int>(now / seconds(1));
    const State state = second % 7 < 3 ? State::open : State::closed;
    if (state != status.state && second % 2 == 0) {  // every other change is known by polls alone
      status.transitions.push_back({++generation, status.state, state, "so", began + now / milliseconds(1)});
      all.transitions.push_back({0, generation, status.state, state, "so", now, false});
    }
    status.state = state;
    const bool answers = second % 11 != 0;
    take(window, 0, now, answers ? std::optional(status) : std::nullopt);
    all.samples[0].push_back({now, answers ? state : State::unknown, false});
  }
  const auto same = [](const Sample& a, const Sample& b) { return a.at == b.at && a.state == b.state; };
  const auto kept = window.sums(seconds(60)).lanes[0];
  const auto whole = timeline(all).lanes[0];
  CHECK(kept.size() > 20);
  CHECK(std::equal(kept.begin(), kept.end(), whole.begin(), whole.end(), same));
  CHECK(window.run().samples[0].size() < all.samples[0].size() / 2);
}

TEST_CASE("a flood of calls and transitions is cut, the oldest first, and no wasted one is lost from the sum") {
  LiveWindow window(two, began);
  take(window, 0, Offset(0), saying("Instance-A", State::open));
  take(window, 0, Offset(1), saying("Instance-A", State::open));
  InstanceStatus b = saying("Instance-B", State::closed);
  uint64_t number = 0;
  for (int poll = 1; poll <= 100; ++poll) {
    const Offset now = milliseconds(100) * poll;
    b.notable_calls.clear();
    b.transitions.clear();
    for (int i = 0; i < 500; ++i) b.notable_calls.push_back(failure(++number, now));
    for (int i = 0; i < 500; ++i)
      b.transitions.push_back(
          {number + static_cast<uint64_t>(i), State::closed, State::closed, "x", began + now / milliseconds(1)});
    take(window, 1, now, b);
    CHECK(window.run().calls.size() <= 6500);
    CHECK(window.run().transitions.size() <= 6500);
  }
  CHECK(window.run().calls.back().intended == seconds(10));
  CHECK(window.sums(seconds(10)).wasted == number);
}

TEST_CASE("who has seen all is told only of what is new, and that from when it happened") {
  LiveWindow window(two, began);
  take(window, 0, milliseconds(100), saying("Instance-A", State::closed));
  take(window, 0, milliseconds(5000), saying("Instance-A", State::closed));
  const uint64_t seen = window.place();
  CHECK(window.changes_since(seen) == Offset::max());
  InstanceStatus status = saying("Instance-A", State::open);
  status.transitions = {trip(5, milliseconds(4800))};
  status.notable_calls = {failure(1, milliseconds(4700))};
  CHECK(take(window, 0, milliseconds(5100), status));
  CHECK(window.changes_since(seen) == milliseconds(4700));
  CHECK(window.changes_since(window.place()) == Offset::max());
  CHECK(window.changes_since(0) <= milliseconds(100));
  const auto json = frame(window, milliseconds(5100), milliseconds(4700));
  CHECK(json["transitions"].size() == 1);
  CHECK(json["marks"].size() == 1);
  CHECK(json["states"]["Instance-A"].size() == 2);  // closed, in force at 4700, and open at 4800
}

TEST_CASE("only a new state, transition, override or silence is news for who looks on") {
  LiveWindow window(two, began);
  InstanceStatus status = saying("Instance-A", State::closed);
  CHECK(take(window, 0, milliseconds(100), status));
  CHECK_FALSE(take(window, 0, milliseconds(200), status));
  status.calls.success = 7;
  CHECK_FALSE(take(window, 0, milliseconds(300), status));
  status.override_mode = "forced_open";
  CHECK(take(window, 0, milliseconds(400), status));
  CHECK(take(window, 0, milliseconds(500), std::nullopt));
  CHECK_FALSE(take(window, 0, milliseconds(600), std::nullopt));
  CHECK(window.take_fault(UpstreamFault{}));
  CHECK_FALSE(window.take_fault(UpstreamFault{}));
  CHECK(window.take_fault(UpstreamFault{0, 0, 0, 0, "down", {}}));
}

TEST_CASE("instances of the same name are told apart by their URL, and one that never answered is its URL") {
  LiveWindow window(two, began);
  CHECK(window.run().targets[0].name == "http://a");
  const uint64_t edition = window.edition();
  CHECK(LiveWindow(two, began).edition() != edition);
  take(window, 0, milliseconds(100), saying("Instance-A", State::closed));
  take(window, 1, milliseconds(100), saying("Instance-A", State::closed));
  take(window, 0, milliseconds(200), saying("Instance-A", State::closed));
  CHECK(window.run().targets[0].name == "Instance-A");
  CHECK(window.run().targets[1].name == "Instance-A (http://b)");
  CHECK(window.edition() != edition);
}

TEST_CASE("a frame says how instances stand, and names and causes are data, whatever they look like") {
  LiveWindow window(two, began);
  InstanceStatus a = saying("<script>alert(1)</script>", State::open);
  a.breaker = "<script>alert(2)</script>";
  a.transitions = {{1, State::closed, State::open, "<script>alert(3)</script>", began + 50}};
  take(window, 0, milliseconds(100), a);
  auto json = frame(window, milliseconds(100));
  CHECK(json["agreement"]["text"] == "1 open, 1 without an answer");
  CHECK(json["agreement"]["agree"] == true);
  CHECK(json["instances"][0]["name"] == "<script>alert(1)</script>");
  CHECK(json["instances"][0]["breaker"] == "<script>alert(2)</script>");
  CHECK(json["instances"][0]["view_age_ms"].is_null());
  CHECK(json["instances"][1]["answers"] == false);
  CHECK(json["instances"][1]["state"] == "unknown");
  CHECK(json["transitions"][0]["cause"] == "<script>alert(3)</script>");
  take(window, 1, milliseconds(200), saying("Instance-B", State::closed));
  json = frame(window, milliseconds(700));
  CHECK(json["agreement"]["text"] == "1 open, 1 closed");
  CHECK(json["agreement"]["agree"] == false);
  CHECK(json["agreement"]["disagreeing_for_ms"] == 500);
  CHECK(json["agreement"]["disagreement_ms"] == 500);
}

TEST_CASE("instances that share a breaker still share it, in all that was seen, when every one of them hangs") {
  LiveWindow window(two, began);
  InstanceStatus a = sharing("Instance-A", State::closed);
  InstanceStatus b = sharing("Instance-B", State::closed);
  const auto both_say = [&](Offset now, State state) {
    a.state = b.state = state;
    take(window, 0, now, a);
    take(window, 1, now, b);
  };
  both_say(milliseconds(100), State::closed);
  a.transitions = {trip(1, milliseconds(1000))};
  b.notable_calls = {failure(1, milliseconds(1050))};  // a probe: of the shared breaker it is no waste
  b.notable_calls[0].call.probe = true;
  both_say(milliseconds(1100), State::open);
  a.transitions.push_back({2, State::open, State::half_open, "time", began + 2000});
  a.transitions.push_back({3, State::half_open, State::closed, "a probe succeeded", began + 2010});
  both_say(milliseconds(2100), State::closed);
  const LiveWindow::Sums before = window.sums(milliseconds(2100));
  const auto was_half_open = [](const Sample& sample) { return sample.state == State::half_open; };
  for (const Offset now : {milliseconds(3100), milliseconds(3200)}) {
    take(window, 0, now, std::nullopt);
    take(window, 1, now, std::nullopt);
  }
  const LiveWindow::Sums after = window.sums(milliseconds(3200));
  CHECK(window.run().shared_breaker);
  CHECK(before.wasted == 0);
  CHECK(after.wasted == 0);
  CHECK(before.disagreement == Offset(0));
  CHECK(after.disagreement == Offset(0));
  CHECK(std::any_of(after.lanes[1].begin(), after.lanes[1].end(), was_half_open));
}

TEST_CASE("editions begin elsewhere in each process, and JavaScript holds them exactly") {
  const uint64_t edition = LiveWindow(two, began).edition();
  CHECK(edition > 1'000'000);  // of 4,500,000,000 processes one begins below
  CHECK(edition < 1ULL << 53);
}

TEST_CASE("traffic is what was added to ledger and blocked calls, step by step, also where counts begin anew") {
  LiveTraffic traffic(1);
  traffic.read_ledger(milliseconds(100), {{"Instance-A", {100, 60, 40, 0, 0}}});
  traffic.read_ledger(milliseconds(300), {{"Instance-A", {104, 62, 40, 1, 1}}});
  traffic.read_ledger(milliseconds(700), {{"Instance-A", {3, 1, 2, 0, 0}}});
  traffic.read_blocked(milliseconds(800), 0, 10);
  traffic.read_blocked(milliseconds(1800), 0, 15);
  REQUIRE(traffic.steps().size() == 4);
  CHECK(traffic.steps()[0].upstream_calls == 4);
  CHECK(traffic.steps()[0].upstream_failures == 2);
  CHECK(traffic.steps()[1].upstream_calls == 3);
  CHECK(traffic.steps()[1].upstream_failures == 2);
  CHECK(traffic.steps()[1].blocked == 0);
  CHECK(traffic.steps()[3].blocked == 5);
  traffic.go_on_to(minutes(5));
  CHECK(traffic.steps().size() == LiveTraffic::most_steps);
  CHECK(traffic.first_step() + traffic.steps().size() - 1 == 600);
  traffic.go_on_to(minutes(60'000));
  CHECK(traffic.steps().size() == LiveTraffic::most_steps);
  CHECK(traffic.first_step() + traffic.steps().size() - 1 == 7'200'000);
}
