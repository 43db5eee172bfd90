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
  InstanceStatus status = status_of(name, state);
  status.store = "redis";
  status.shared_breaker = true;
  return status;
}

NotableCall failure(uint64_t number, Offset at) {
  NotableCall call{number, start_epoch_ms + at / milliseconds(1), {}, 0};
  call.call.status = CallStatus::failure;
  call.call.upstream_calls = 1;
  return call;
}

ReportedTransition trip(uint64_t generation, Offset at) {
  return {generation, State::closed, State::open, "3 consecutive failures", start_epoch_ms + at / milliseconds(1)};
}

nlohmann::ordered_json update(const RecentHistory& history, Offset now, Offset from = Offset(0)) {
  return page_update(history.snapshot(now), from);
}

}  // namespace

TEST_CASE("a call that several statuses report is recorded once, and one after a restart is another call") {
  RecentHistory history(two_instances, start_epoch_ms);
  InstanceStatus status = status_of("Instance-A", State::closed);
  status.notable_calls = {failure(1, milliseconds(10)), failure(2, milliseconds(20))};
  record(history, 0, milliseconds(100), status);
  record(history, 0, milliseconds(200), status);
  CHECK(history.run().calls.size() == 2);
  status.notable_calls.erase(status.notable_calls.begin());
  status.notable_calls.push_back(failure(3, milliseconds(250)));
  record(history, 0, milliseconds(300), status);
  CHECK(history.run().calls.size() == 3);
  record(history, 0, milliseconds(400), std::nullopt);  // killed and restarted: it numbers its calls from 1
  status.notable_calls = {failure(1, milliseconds(450)), failure(2, milliseconds(460)), failure(3, milliseconds(470))};
  record(history, 0, milliseconds(500), status);
  CHECK(history.run().calls.size() == 6);
}

TEST_CASE("an event dated before the start is dropped, and a transition dated in the future happened now") {
  RecentHistory history(two_instances, start_epoch_ms);
  InstanceStatus status = status_of("Instance-A", State::open);
  status.transitions = {trip(1, seconds(-5)), trip(2, milliseconds(50)), trip(3, minutes(99'999))};
  status.notable_calls = {failure(1, seconds(-5)), failure(2, minutes(99'999))};
  record(history, 0, milliseconds(100), status);
  REQUIRE(history.run().transitions.size() == 2);
  CHECK(history.run().transitions[0].at == milliseconds(50));
  CHECK(history.run().transitions[1].at == milliseconds(100));
  REQUIRE(history.run().calls.size() == 1);
  CHECK(history.run().calls[0].intended == milliseconds(100));
}

TEST_CASE("an event in a slow answer is at its time: earlier answers have shown how the clocks differ") {
  RecentHistory history(two_instances, start_epoch_ms);
  InstanceStatus quick = status_of("A");
  quick.at_epoch_ms = start_epoch_ms + 1000;
  history.record_status(0, milliseconds(1001), quick);
  InstanceStatus slow = status_of("A", State::open);
  slow.at_epoch_ms = start_epoch_ms + 2000;
  slow.transitions = {{2, State::closed, State::open, "5 failures", start_epoch_ms + 1900, 100}};
  history.record_status(0, milliseconds(2400), slow);
  REQUIRE(history.run().transitions.size() == 1);
  CHECK(history.run().transitions[0].at == milliseconds(1901));
}

TEST_CASE("an hour takes no more memory than two minutes, and keeps the state in force and the sums") {
  RecentHistory history(two_instances, start_epoch_ms);
  uint64_t number = 0;
  InstanceStatus a = status_of("Instance-A", State::open);
  InstanceStatus b = status_of("Instance-B", State::closed);
  size_t most_samples = 0;
  size_t most_calls = 0;
  for (Offset now{0}; now < minutes(60); now += milliseconds(500)) {
    b.notable_calls = {failure(++number, now)};
    record(history, 0, now, a);
    record(history, 1, now, b);
    most_samples = std::max(most_samples, history.run().samples[0].size());
    most_calls = std::max(most_calls, history.run().calls.size());
  }
  CHECK(most_samples <= 2 * (10 + 5) + 3);
  CHECK(most_calls <= 2 * (120 + 5) + 2);
  const Offset end = minutes(60) - milliseconds(500);
  const FleetSnapshot sums = history.snapshot(end);
  CHECK(sums.wasted >= number - 2);  // the first was sent before A was observed open
  CHECK(sums.wasted <= number);
  CHECK(sums.disagreement == end);
  CHECK(sums.disagreeing_for == end);
  CHECK(sums.lanes[0].front().at <= end - RecentHistory::length);
}

TEST_CASE("repeated samples are dropped after a while, and the lanes do not change") {
  RecentHistory history(two_instances, start_epoch_ms);
  Run all;
  all.samples.resize(2);
  uint64_t generation = 0;
  InstanceStatus status = status_of("Instance-A", State::closed);
  for (Offset now{0}; now < seconds(60); now += milliseconds(100)) {
    const auto second = static_cast<int>(now / seconds(1));
    const State state = second % 7 < 3 ? State::open : State::closed;
    if (state != status.state && second % 2 == 0) {  // only polls show every other change
      status.transitions.push_back({++generation, status.state, state, "so", start_epoch_ms + now / milliseconds(1)});
      all.transitions.push_back({0, generation, status.state, state, "so", now, false});
    }
    status.state = state;
    const bool answers = second % 11 != 0;
    record(history, 0, now, answers ? std::optional(status) : std::nullopt);
    all.samples[0].push_back({now, answers ? state : State::unknown, false});
  }
  const auto same = [](const Sample& a, const Sample& b) { return a.at == b.at && a.state == b.state; };
  const auto kept = history.snapshot(seconds(60)).lanes[0];
  const auto whole = timeline(all).lanes[0];
  CHECK(kept.size() > 20);
  CHECK(std::equal(kept.begin(), kept.end(), whole.begin(), whole.end(), same));
  CHECK(history.run().samples[0].size() < all.samples[0].size() / 2);
}

TEST_CASE("of too many calls and transitions the oldest are dropped, and the sum of wasted calls keeps them") {
  RecentHistory history(two_instances, start_epoch_ms);
  record(history, 0, Offset(0), status_of("Instance-A", State::open));
  record(history, 0, Offset(1), status_of("Instance-A", State::open));
  InstanceStatus b = status_of("Instance-B", State::closed);
  uint64_t number = 0;
  for (int poll = 1; poll <= 100; ++poll) {
    const Offset now = milliseconds(100) * poll;
    b.notable_calls.clear();
    b.transitions.clear();
    for (int i = 0; i < 500; ++i) b.notable_calls.push_back(failure(++number, now));
    for (int i = 0; i < 500; ++i)
      b.transitions.push_back({number + static_cast<uint64_t>(i), State::closed, State::closed, "x",
                               start_epoch_ms + now / milliseconds(1)});
    record(history, 1, now, b);
    CHECK(history.run().calls.size() <= 6500);
    CHECK(history.run().transitions.size() <= 6500);
  }
  CHECK(history.run().calls.back().intended == seconds(10));
  CHECK(history.snapshot(seconds(10)).wasted == number);
}

TEST_CASE("changes since a revision begin at the time when the earliest of them happened") {
  RecentHistory history(two_instances, start_epoch_ms);
  record(history, 0, milliseconds(100), status_of("Instance-A", State::closed));
  record(history, 0, milliseconds(5000), status_of("Instance-A", State::closed));
  const uint64_t seen = history.revision();
  CHECK(history.changed_since(seen) == Offset::max());
  InstanceStatus status = status_of("Instance-A", State::open);
  status.transitions = {trip(5, milliseconds(4800))};
  status.notable_calls = {failure(1, milliseconds(4700))};
  CHECK(record(history, 0, milliseconds(5100), status));
  CHECK(history.changed_since(seen) == milliseconds(4700));
  CHECK(history.changed_since(history.revision()) == Offset::max());
  CHECK(history.changed_since(0) <= milliseconds(100));
  const auto json = update(history, milliseconds(5100), milliseconds(4700));
  CHECK(json["transitions"].size() == 1);
  CHECK(json["marks"].size() == 1);
  CHECK(json["states"]["Instance-A"].size() == 2);  // closed, in force at 4700, and open at 4800
}

TEST_CASE("only a new state, transition, override, fault or missing answer notifies readers") {
  RecentHistory history(two_instances, start_epoch_ms);
  InstanceStatus status = status_of("Instance-A", State::closed);
  CHECK(record(history, 0, milliseconds(100), status));
  CHECK_FALSE(record(history, 0, milliseconds(200), status));
  status.calls.success = 7;
  CHECK_FALSE(record(history, 0, milliseconds(300), status));
  status.override_mode = "forced_open";
  CHECK(record(history, 0, milliseconds(400), status));
  CHECK(record(history, 0, milliseconds(500), std::nullopt));
  CHECK_FALSE(record(history, 0, milliseconds(600), std::nullopt));
  CHECK(history.record_fault(milliseconds(650), UpstreamFault{}));
  CHECK_FALSE(history.record_fault(milliseconds(750), UpstreamFault{}));
  CHECK(history.record_fault(milliseconds(850), UpstreamFault{0, 0, 0, 0, "down", {}}));
  CHECK(history.snapshot(milliseconds(900)).upstream.asked == milliseconds(850));
}

TEST_CASE("instances with the same name get their URL added, and one that never answered is named by its URL") {
  RecentHistory history(two_instances, start_epoch_ms);
  CHECK(history.run().targets[0].name == "http://a");
  const uint64_t edition = history.edition();
  CHECK(RecentHistory(two_instances, start_epoch_ms).edition() != edition);
  record(history, 0, milliseconds(100), status_of("Instance-A", State::closed));
  record(history, 1, milliseconds(100), status_of("Instance-A", State::closed));
  record(history, 0, milliseconds(200), status_of("Instance-A", State::closed));
  CHECK(history.run().targets[0].name == "Instance-A");
  CHECK(history.run().targets[1].name == "Instance-A (http://b)");
  CHECK(history.edition() != edition);
}

TEST_CASE("an update has the agreement, and passes on names and causes that look like markup as they are") {
  RecentHistory history(two_instances, start_epoch_ms);
  InstanceStatus a = status_of("<script>alert(1)</script>", State::open);
  a.breaker = "<script>alert(2)</script>";
  a.transitions = {{1, State::closed, State::open, "<script>alert(3)</script>", start_epoch_ms + 50}};
  record(history, 0, milliseconds(100), a);
  auto json = update(history, milliseconds(100));
  CHECK(json["agreement"]["text"] == "1 open, 1 without an answer");
  CHECK(json["agreement"]["agree"] == true);
  CHECK(json["instances"][0]["name"] == "<script>alert(1)</script>");
  CHECK(json["instances"][0]["breaker"] == "<script>alert(2)</script>");
  CHECK(json["instances"][0]["view_age_ms"].is_null());
  CHECK(json["instances"][1]["answers"] == false);
  CHECK(json["instances"][1]["state"] == "unknown");
  CHECK(json["transitions"][0]["cause"] == "<script>alert(3)</script>");
  record(history, 1, milliseconds(200), status_of("Instance-B", State::closed));
  json = update(history, milliseconds(700));
  CHECK(json["agreement"]["text"] == "1 open, 1 closed");
  CHECK(json["agreement"]["agree"] == false);
  CHECK(json["agreement"]["disagreeing_for_ms"] == 500);
  CHECK(json["agreement"]["disagreement_ms"] == 500);
}

TEST_CASE("instances that share a breaker still count as sharing it when all of them hang") {
  RecentHistory history(two_instances, start_epoch_ms);
  InstanceStatus a = sharing("Instance-A", State::closed);
  InstanceStatus b = sharing("Instance-B", State::closed);
  const auto both_report = [&](Offset now, State state) {
    a.state = b.state = state;
    record(history, 0, now, a);
    record(history, 1, now, b);
  };
  both_report(milliseconds(100), State::closed);
  a.transitions = {trip(1, milliseconds(1000))};
  b.notable_calls = {failure(1, milliseconds(1050))};  // a probe of the shared breaker is not wasted
  b.notable_calls[0].call.probe = true;
  both_report(milliseconds(1100), State::open);
  a.transitions.push_back({2, State::open, State::half_open, "time", start_epoch_ms + 2000});
  a.transitions.push_back({3, State::half_open, State::closed, "a probe succeeded", start_epoch_ms + 2010});
  both_report(milliseconds(2100), State::closed);
  const FleetSnapshot before = history.snapshot(milliseconds(2100));
  const auto was_half_open = [](const Sample& sample) { return sample.state == State::half_open; };
  for (const Offset now : {milliseconds(3100), milliseconds(3200)}) {
    record(history, 0, now, std::nullopt);
    record(history, 1, now, std::nullopt);
  }
  const FleetSnapshot after = history.snapshot(milliseconds(3200));
  CHECK(history.run().shared_breaker);
  CHECK(before.wasted == 0);
  CHECK(after.wasted == 0);
  CHECK(before.disagreement == Offset(0));
  CHECK(after.disagreement == Offset(0));
  CHECK(std::any_of(after.lanes[1].begin(), after.lanes[1].end(), was_half_open));
}

TEST_CASE("editions start at random in each process, and JavaScript holds them exactly") {
  const uint64_t edition = RecentHistory(two_instances, start_epoch_ms).edition();
  CHECK(edition > 1'000'000);  // one process in 4,500,000,000 starts below
  CHECK(edition < 1ULL << 53);
}

TEST_CASE("traffic is what was added to the ledger and to blocked calls in each step, also after a reset") {
  TrafficCounts traffic(1);
  traffic.record_ledger(milliseconds(100), {{"Instance-A", {100, 60, 40, 0, 0}}});
  traffic.record_ledger(milliseconds(300), {{"Instance-A", {104, 62, 40, 1, 1}}});
  traffic.record_ledger(milliseconds(700), {{"Instance-A", {3, 1, 2, 0, 0}}});
  traffic.record_calls(milliseconds(800), 0, {.exception = 2, .blocked = 10});
  traffic.record_calls(milliseconds(1800), 0, {.exception = 6, .blocked = 15});
  REQUIRE(traffic.steps().size() == 4);
  CHECK(traffic.steps()[0].upstream_calls == 4);
  CHECK(traffic.steps()[0].upstream_failures == 2);
  CHECK(traffic.steps()[1].upstream_calls == 3);
  CHECK(traffic.steps()[1].upstream_failures == 2);
  CHECK(traffic.steps()[1].blocked == 0);
  CHECK(traffic.steps()[3].blocked == 5);
  CHECK(traffic.steps()[0].upstream_unanswered == 2);
  CHECK(traffic.steps()[1].upstream_unanswered == 0);
  CHECK(traffic.steps()[3].unanswered == 4);
  traffic.advance_to(minutes(5));
  CHECK(traffic.steps().size() == TrafficCounts::most_steps);
  CHECK(traffic.first_step() + traffic.steps().size() - 1 == 600);
  traffic.advance_to(minutes(60'000));
  CHECK(traffic.steps().size() == TrafficCounts::most_steps);
  CHECK(traffic.first_step() + traffic.steps().size() - 1 == 7'200'000);
}
