// What one instance asks its store, event by event, and what it reports of the answers.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "redis_breaker/core_tests/simulated_instance_for_test.hpp"

namespace cb::core_tests {

// --- callers that wait

TEST_CASE("the callers of a stale view are answered from the first answer") {
  SimulatedInstance instance(opens_at_once);
  instance.ask();
  const auto exchange = instance.begin();
  REQUIRE(exchange.events.size() == 1);
  const Ticket second = instance.ask(), third = instance.ask();
  SUBCASE("closed") {
    instance.end(exchange);
    for (const Ticket each : {second, third}) {
      const Reply reply = instance.reply_to(each);
      CHECK(reply.kind == Kind::admitted);
      CHECK(reply.permit == PermitId{instance.stored.generation, 0});
      CHECK(reply.state == State::closed);
    }
  }
  SUBCASE("open: each rejection is reported") {
    instance.elsewhere(Settle{{instance.stored.generation, 0}, failure});
    instance.end(exchange);
    for (const Ticket each : {second, third}) {
      const Reply reply = instance.reply_to(each);
      CHECK(reply.kind == Kind::rejected);
      CHECK(reply.retry_after == 10s);
      CHECK(reply.state == State::open);
    }
    CHECK(kinds_of(instance.core.take_notices()) == std::vector(3, NoticeKind::rejection));
  }
  CHECK(instance.begin().events.empty());
}

TEST_CASE("a result that waits is sent with the next exchange, not answered from the view") {
  SimulatedInstance instance(three_failures);
  const PermitId permit = instance.acquire();
  instance.core.add(Tick{});
  const auto exchange = instance.begin();
  const Ticket result = instance.send(permit, failure);
  instance.end(exchange);
  CHECK_FALSE(instance.core.take(result));
  CHECK(outcome_of(instance.exchange().events.at(0)) == Outcome::failure);
  CHECK(instance.reply_to(result).kind == Kind::settled);
}

TEST_CASE("successes are sent before a later failure") {
  SimulatedInstance instance(three_failures);
  const PermitId permit = instance.acquire();
  instance.settle(permit, failure);
  instance.settle(permit, failure);
  instance.core.add_successes(5, 0, instance.now);
  const Ticket ticket = instance.send(permit, failure);
  const auto exchange = instance.exchange();
  REQUIRE(exchange.events.size() == 2);
  const auto& successes = std::get<Settle>(exchange.events[0]);
  CHECK(successes.permit == permit);
  CHECK(successes.result.outcome == Outcome::success);
  CHECK(successes.times == 5);
  CHECK(outcome_of(exchange.events[1]) == Outcome::failure);
  CHECK(instance.reply_to(ticket).state == State::closed);
  CHECK(instance.core.latest().failures == 1);
}

TEST_CASE("what no caller waits for leaves no outcome behind") {
  SimulatedInstance instance(three_failures);
  instance.acquire();
  instance.core.add_successes(5, 0, instance.now);
  instance.order({Mode::forced_closed, "ann", ""});  // with a tick before it
  instance.core.add_successes(5, 0, instance.now);
  instance.fail();
  for (Ticket ticket = 0; ticket < 9; ++ticket) CHECK_FALSE(instance.core.take(ticket));
}

TEST_CASE("no success is no event") {
  SimulatedInstance instance(three_failures);
  instance.acquire();
  instance.core.add_successes(0, 0, instance.now);
  CHECK(instance.begin().events.empty());
  CHECK(instance.core.take_notices().empty());
}

TEST_CASE("an exchange has at most a hundred events, and their order is kept") {
  SimulatedInstance instance(three_failures);
  const PermitId permit = instance.acquire();
  std::vector<Ticket> tickets;
  for (int i = 0; i < 250; ++i)
    tickets.push_back(instance.send(permit, {i == 249 ? Outcome::success : Outcome::failure, microseconds(i)}));
  microseconds next{0};
  for (const size_t size : {100U, 100U, 50U}) {
    const auto exchange = instance.exchange();
    REQUIRE(exchange.events.size() == size);
    for (const Event& each : exchange.events) CHECK(std::get<Settle>(each).result.took == next++);
  }
  CHECK(instance.reply_to(tickets[1]).state == State::closed);
  CHECK(instance.reply_to(tickets[2]).transitions.size() == 1);
  for (size_t i = 3; i < 249; ++i) CHECK(instance.reply_to(tickets[i]).kind == Kind::late);
  CHECK(instance.exchange().events.empty());
}

TEST_CASE("one exchange is under way from its beginning to its end or failure") {
  SimulatedInstance instance(opens_at_once);
  CHECK_FALSE(instance.core.is_exchanging());
  const auto exchange = instance.begin();
  CHECK(instance.core.is_exchanging());
  instance.end(exchange);
  CHECK_FALSE(instance.core.is_exchanging());
  instance.begin();
  instance.fail();
  CHECK_FALSE(instance.core.is_exchanging());
}

// --- the store fails

TEST_CASE("when the store fails, all that waits gets the trouble, and so does the next call") {
  SimulatedInstance instance(opens_at_once);
  const Ticket sent = instance.ask();
  instance.begin();
  const Ticket waiting = instance.ask();
  instance.fail();
  CHECK(instance.has_trouble(sent));
  CHECK(instance.has_trouble(waiting));
  CHECK(instance.core.counters().store_errors == 1);
  const Ticket next = instance.ask();
  CHECK(instance.begin().events.size() == 1);  // nothing is sent twice
  instance.fail();
  CHECK(instance.has_trouble(next));
  CHECK(instance.core.counters().store_errors == 2);
}

TEST_CASE("after the store has failed while probes were asked for, callers may ask again") {
  SimulatedInstance instance(opens_at_once);
  instance.open();
  instance.pass(10s);
  instance.ask();
  instance.begin();
  CHECK(instance.core.view().is_asking);
  instance.fail();
  CHECK_FALSE(instance.core.view().is_asking);
  CHECK(instance.acquire().probe == 1);
}

TEST_CASE("a success that the store never received resets the failures that the local breaker starts from") {
  SimulatedInstance instance(three_failures);
  const PermitId permit = instance.acquire();
  instance.settle(permit, failure);
  instance.settle(permit, failure);
  REQUIRE(instance.core.shared_state().snapshot.counts.failures == 2);
  int expected = 2;
  SUBCASE("nothing") {}
  SUBCASE("a success") {
    instance.core.add_successes(1, 0, instance.now);
    expected = 0;
  }
  SUBCASE("a failure") { instance.send(permit, failure); }
  SUBCASE("a call") { instance.core.add(Acquire{}); }
  SUBCASE("the success of an earlier probe") { instance.send({permit.generation - 1, 1}, success); }
  SUBCASE("the success of a probe") { instance.send({permit.generation, 1}, success); }
  bool is_under_way = false;
  SUBCASE("while it waits") {}
  SUBCASE("while it is under way") { is_under_way = true; }
  if (is_under_way) instance.begin();
  instance.fail();
  CHECK(instance.core.shared_state().snapshot.counts.failures == expected);
}

// --- late results

TEST_CASE("a late result is dropped without the store, counted and reported") {
  SimulatedInstance instance(opens_at_once);
  const PermitId before = instance.open();
  instance.core.take_notices();
  instance.pass(1s);
  for (const Outcome outcome : {Outcome::failure, Outcome::success}) {
    const Settled settled = instance.keep(before, {outcome});
    CHECK(settled.late);
    CHECK(settled.state == State::open);
  }
  CHECK(instance.core.counters().late_results == 2);
  const auto notices = instance.core.take_notices();
  REQUIRE(kinds_of(notices) == std::vector(2, NoticeKind::late_result));
  CHECK(notices[0].transition ==
        Transition{State::open, State::open, instance.stored.generation, "failure", instance.now});
  CHECK(notices[1].transition.cause == "success");
  CHECK(notices[0].admitted_in == before.generation);
  CHECK(notices[0].count == 1);
}

TEST_CASE("an ignored result is never late, and only a probe's is sent: it frees the lease") {
  SimulatedInstance instance(opens_at_once);
  const PermitId call = instance.acquire();
  CHECK_FALSE(instance.keep(call, ignored).late);
  instance.settle(call, failure);
  CHECK_FALSE(instance.keep(call, ignored).late);
  CHECK(instance.keep(call, ignored).state == State::open);
  instance.pass(10s);
  const PermitId probe = instance.acquire();
  CHECK(instance.settle(probe, ignored).kind == Kind::settled);
  CHECK(instance.acquire().probe == 2);
  instance.elsewhere(Settle{{probe.generation, 2}, failure});
  instance.core.add(Tick{});
  instance.exchange();
  CHECK_FALSE(instance.keep(probe, ignored).late);
  CHECK(instance.core.counters().late_results == 0);
}

TEST_CASE("a probe's success is sent even after its timeout, and its failure is dropped then") {
  SimulatedInstance instance(opens_at_once);
  instance.open();
  instance.pass(10s);
  const PermitId probe = instance.acquire();
  instance.pass(6s);
  instance.core.add(Tick{});
  instance.exchange();
  REQUIRE(instance.core.view().state == State::open);
  SUBCASE("success") { CHECK(instance.settle(probe, success).state == State::closed); }
  SUBCASE("failure") { CHECK(instance.keep(probe, failure).late); }
}

TEST_CASE("what the store finds late is counted with its number, and reported once") {
  SimulatedInstance instance(opens_at_once);
  const PermitId permit = instance.acquire();
  instance.elsewhere(Settle{permit, failure});
  instance.core.add_successes(5, 0, instance.now);
  instance.exchange();
  CHECK(instance.core.counters().late_results == 5);
  const auto notices = instance.core.take_notices();
  REQUIRE(kinds_of(notices) == std::vector{NoticeKind::late_result});
  CHECK(notices[0].count == 5);
  CHECK(notices[0].admitted_in == permit.generation);
}

TEST_CASE("successes of older generations are late, and are not sent") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  instance.core.add_successes(0, 3, instance.now);
  CHECK(instance.core.counters().late_results == 3);
  const auto notices = instance.core.take_notices();
  REQUIRE(kinds_of(notices) == std::vector{NoticeKind::late_result});
  CHECK(notices[0].transition.cause == "success");
  CHECK(notices[0].count == 3);
  CHECK(instance.begin().events.empty());
}

// --- slow calls, and what would have tripped

TEST_CASE("slow calls are counted and reported, but not ignored ones") {
  SimulatedInstance instance({.failure_threshold = 9, .slow_call_duration_threshold = 1s});
  const PermitId permit = instance.acquire();
  instance.settle(permit, {Outcome::failure, 999'999us});
  CHECK(instance.core.counters().slow_calls == 0);
  instance.settle(permit, {Outcome::success, 1500ms});
  CHECK(instance.core.counters().slow_calls == 1);
  const auto notices = instance.core.take_notices();
  REQUIRE(kinds_of(notices) == std::vector{NoticeKind::slow_call});
  CHECK(notices[0].transition.cause == "took 1500ms");
  CHECK(notices[0].admitted_in == permit.generation);
  CHECK(notices[0].count == 1);
  instance.settle({permit.generation, 1}, {Outcome::ignored, 2s});  // a probe's
  instance.keep({permit.generation - 1, 0}, {Outcome::ignored, 2s});
  CHECK(instance.core.counters().slow_calls == 1);
  instance.keep({permit.generation - 1, 0}, {Outcome::failure, 2s});
  CHECK(instance.core.counters().slow_calls == 2);
  CHECK(kinds_of(instance.core.take_notices()) == std::vector{NoticeKind::slow_call, NoticeKind::late_result});
}

TEST_CASE("with metrics_only, what would have opened the circuit is counted and reported") {
  SimulatedInstance instance(opens_at_once);
  instance.order({Mode::metrics_only, "ann", ""});
  instance.core.take_notices();
  const PermitId permit = instance.permit();
  CHECK(instance.settle(permit, failure).state == State::closed);
  CHECK(instance.core.counters().would_have_tripped == 1);
  const auto notices = instance.core.take_notices();
  REQUIRE(kinds_of(notices) == std::vector{NoticeKind::would_have_tripped});
  CHECK(notices[0].transition.cause == "1 consecutive failure");
  CHECK(notices[0].admitted_in == permit.generation);
}

// --- notices

TEST_CASE("notices come in the order of what happened, each with the state and generation of that moment") {
  SimulatedInstance instance(opens_at_once);
  const PermitId permit = instance.acquire();
  instance.send(permit, failure);
  instance.core.add(Acquire{});
  instance.exchange();
  const auto notices = instance.core.take_notices();
  REQUIRE(kinds_of(notices) == std::vector{NoticeKind::transition, NoticeKind::rejection});
  const uint64_t opened = instance.stored.generation;
  CHECK(notices[0].transition == Transition{State::closed, State::open, opened, "1 consecutive failure", instance.now});
  CHECK(notices[1].transition == Transition{State::open, State::open, opened, "not permitted", instance.now});
  CHECK(notices[0].counted == CountedCalls{1, {}});
  CHECK(notices[1].counted == CountedCalls{});
  CHECK(instance.core.take_notices().empty());  // once
}

TEST_CASE("in one exchange a result before a transition and one after it are reported with different generations") {
  SimulatedInstance instance({.failure_threshold = 2, .slow_call_duration_threshold = 1s});
  const PermitId permit = instance.acquire();
  for (int i = 0; i < 3; ++i) instance.send(permit, {Outcome::failure, 2s});
  instance.exchange();
  const auto notices = instance.core.take_notices();
  using enum NoticeKind;
  REQUIRE(kinds_of(notices) == std::vector{slow_call, transition, slow_call, late_result, slow_call});
  CHECK(notices[0].transition.generation == permit.generation);
  CHECK(notices[0].transition.to == State::closed);
  for (size_t i = 1; i < notices.size(); ++i) CHECK(notices[i].transition.generation == instance.stored.generation);
  for (size_t i = 1; i < notices.size(); ++i) CHECK(notices[i].transition.to == State::open);
}

TEST_CASE("what other instances have changed is reported by them; later notices have that generation") {
  SimulatedInstance instance(opens_at_once);
  const PermitId permit = instance.acquire();
  instance.elsewhere(Settle{permit, failure});
  instance.core.add(Tick{});
  instance.exchange();
  CHECK(instance.core.take_notices().empty());
  instance.rejection();
  const auto notices = instance.core.take_notices();
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].transition.generation == instance.stored.generation);
  CHECK(notices[0].transition.from == State::open);
}

TEST_CASE("an override's transition is an override, and what time had changed before it is a transition") {
  SimulatedInstance instance(opens_at_once);
  instance.order({Mode::forced_closed, "ann", ""}, 5s);
  instance.core.take_notices();
  instance.pass(6s);
  const Reply reply = instance.order({Mode::forced_open, "bob", "a drill"});
  REQUIRE(reply.transitions.size() == 1);
  CHECK(reply.transitions[0].cause == "forced open by bob: a drill");
  const auto notices = instance.core.take_notices();
  REQUIRE(kinds_of(notices) == std::vector{NoticeKind::transition, NoticeKind::override});
  CHECK(notices[0].transition.cause == "forced closed: expired");
  CHECK(notices[1].transition.cause == "forced open by bob: a drill");
  CHECK(notices[0].transition.generation < notices[1].transition.generation);
  CHECK(notices[1].transition.at == instance.now);  // not the store's time
}

// --- what the store is sent

TEST_CASE("each exchange says what is known of the breaker") {
  SimulatedInstance instance(three_failures);
  const PermitId permit = instance.acquire();
  instance.settle(permit, failure);
  const TimePoint answered_at = instance.store_time();
  instance.pass(1s);
  const LastKnown known = instance.begin().known;
  CHECK(known.generation == permit.generation);
  CHECK(known.state == State::closed);
  CHECK(known.epoch == instance.epoch);
  CHECK(known.run == 7);
  CHECK(known.at == answered_at);
  CHECK(known.failures == 1);
  CHECK(known.open_for == 0s);
  CHECK(known.override_for == 0s);
  CHECK(known.active_override == Override{});
}

TEST_CASE("each exchange says for how much longer the circuit is open") {
  SimulatedInstance instance(opens_at_once);
  instance.open();
  instance.pass(4s);
  CHECK(instance.exchange().known.open_for == 6s);
  instance.pass(7s);
  const LastKnown known = instance.begin().known;
  CHECK(known.open_for == 0s);
  CHECK(known.state == State::open);
}

TEST_CASE("each exchange says for how much longer an override lasts; once it is over, for a moment") {
  SimulatedInstance instance(opens_at_once);
  instance.order({Mode::forced_open, "ann", "a drill"}, 5s);
  instance.pass(2s);
  const LastKnown known = instance.exchange().known;
  CHECK(known.override_for == 3s);
  CHECK(known.open_for == 0s);  // the override says so
  CHECK(known.active_override == Override{Mode::forced_open, "ann", "a drill"});
  instance.pass(4s);
  CHECK(instance.begin().known.override_for == 1ms);  // 0 would mean for ever
}

TEST_CASE("the store's removals are counted every five seconds, and remembered in between") {
  SimulatedInstance instance(opens_at_once);
  instance.removals = Removals{3, 2};
  instance.ask();
  CHECK(instance.exchange().known.is_count_due);
  instance.removals.reset();
  instance.pass(4'999'999us);
  LastKnown known = instance.exchange().known;
  CHECK_FALSE(known.is_count_due);
  CHECK(known.removals.evicted == 3);
  CHECK(known.removals.flushes == 2);
  instance.pass(1us);
  known = instance.exchange().known;
  CHECK(known.is_count_due);
  CHECK(known.removals.evicted == 3);
}

TEST_CASE("a session that begins, as after a flush, counts the store's removals at once") {
  SimulatedInstance instance(opens_at_once);
  instance.removals = Removals{3, 2};
  instance.ask();
  instance.exchange();
  CHECK_FALSE(instance.exchange().known.is_count_due);
  ++instance.feed.session;
  CHECK(instance.exchange().known.is_count_due);
  CHECK_FALSE(instance.exchange().known.is_count_due);
}

TEST_CASE("removals of another server say nothing: they are due at once") {
  SimulatedInstance instance(opens_at_once);
  instance.removals = Removals{3, 2};
  instance.acquire();
  instance.removals.reset();
  instance.run = 8;
  instance.exchange();
  const LastKnown known = instance.exchange().known;
  CHECK(known.run == 8);
  CHECK(known.is_count_due);
  CHECK(known.removals.evicted == 0);
}

}  // namespace cb::core_tests
