// What one instance decides by itself, event by event, in virtual time: no thread, no socket, no Redis.
#include "redis_breaker/cached_core.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "simple_breaker/clock.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using Kind = Reply::Kind;
using Ticket = CachedCore::Ticket;
using std::chrono::microseconds;

// An instance, and the store that it asks: stage 1's table, with a clock that is an hour ahead.
struct SimulatedInstance {
  explicit SimulatedInstance(const Policy& settings) : policy(settings), core(settings) {
    stored = closed_snapshot(store_time());
    epoch = stored.generation;
  }

  TimePoint store_time() const { return now + 1h; }
  void pass_in_silence(microseconds time) { now += time; }
  void pass(microseconds time) {
    now += time;
    feed.confirmed_at = now;
  }

  // Another instance does something.
  Reply elsewhere(const Event& event) { return apply(stored, policy, event, store_time()); }

  Answer answer_to(const std::vector<Event>& events) {
    Answer answer;
    for (const Event& event : events) {
      if (const auto* order = std::get_if<ApplyOverride>(&event)) last_order = order->override_;
      answer.replies.push_back(elsewhere(event));
    }
    const TimePoint from = admits_from(stored, policy);
    answer.now = store_time();
    answer.verified_at = now;
    answer.state = stored.state;
    answer.generation = stored.generation;
    answer.epoch = epoch;
    answer.failures = stored.counts.failures;
    answer.wait = from == never ? policy.recovery_timeout : std::max(microseconds(0), from - answer.now);
    if (stored.mode != Mode::automatic) answer.active_override = last_order;
    if (stored.mode_until != TimePoint{}) answer.override_until = stored.mode_until;
    answer.removals = removals;
    answer.origin.run = run;
    return answer;
  }

  CachedCore::Exchange begin() { return core.begin(feed, now); }
  void end(const CachedCore::Exchange& exchange) { core.end(answer_to(exchange.events), feed, now); }
  CachedCore::Exchange exchange() {
    CachedCore::Exchange exchange = begin();
    end(exchange);
    return exchange;
  }

  void fail() { core.fail({"no answer"}); }

  // A call asks the store, or is answered at once.
  bool knows() const { return core.known_answer(feed, now).has_value(); }
  Ticket ask() {
    const auto answer = core.acquire(feed, now);
    REQUIRE(std::holds_alternative<Ticket>(answer));
    return std::get<Ticket>(answer);
  }
  PermitId permit() {
    const auto answer = core.acquire(feed, now);
    REQUIRE(std::holds_alternative<PermitId>(answer));
    return std::get<PermitId>(answer);
  }
  Rejection rejection() {
    const auto answer = core.acquire(feed, now);
    REQUIRE(std::holds_alternative<Rejection>(answer));
    return std::get<Rejection>(answer);
  }

  // A result is sent to the store, or is not.
  Ticket send(const PermitId& permit, const CallResult& result) {
    const auto answer = core.settle({permit, result}, now);
    REQUIRE(std::holds_alternative<Ticket>(answer));
    return std::get<Ticket>(answer);
  }
  Settled keep(const PermitId& permit, const CallResult& result) {
    const auto answer = core.settle({permit, result}, now);
    REQUIRE(std::holds_alternative<Settled>(answer));
    return std::get<Settled>(answer);
  }

  Reply reply_to(Ticket ticket) {
    const auto outcome = core.take(ticket);
    REQUIRE(outcome);
    REQUIRE(std::holds_alternative<Reply>(*outcome));
    return std::get<Reply>(*outcome);
  }
  bool has_trouble(Ticket ticket) {
    const auto outcome = core.take(ticket);
    return outcome && std::holds_alternative<StoreTrouble>(*outcome);
  }

  // With the exchange.
  PermitId acquire() {
    const Ticket ticket = ask();
    exchange();
    return reply_to(ticket).permit;
  }
  Reply settle(const PermitId& permit, const CallResult& result) {
    const Ticket ticket = send(permit, result);
    exchange();
    return reply_to(ticket);
  }
  Reply order(const Override& override_, microseconds lasts = {}) {
    const Ticket ticket = core.add(ApplyOverride{override_, lasts});
    exchange();
    return reply_to(ticket);
  }
  PermitId open() {
    const PermitId permit = acquire();
    REQUIRE(settle(permit, {Outcome::failure}).state == State::open);
    return permit;
  }

  const Policy policy;
  TimePoint now{std::chrono::hours(1)};
  Feed feed{.node = 0, .session = 1, .confirmed_at = now};
  Snapshot stored;
  Override last_order;
  uint64_t epoch = 0;
  uint64_t run = 7;
  std::optional<Removals> removals = Removals{};
  CachedCore core;
};

const Policy opens_at_once{.failure_threshold = 1, .recovery_timeout = 10s};
const Policy two_probes{.failure_threshold = 1, .recovery_timeout = 10s, .permitted_calls_in_half_open = 2};
const Policy three_failures{.failure_threshold = 3, .recovery_timeout = 10s};
const CallResult success{Outcome::success};
const CallResult failure{Outcome::failure};
const CallResult ignored{Outcome::ignored};

std::vector<NoticeKind> kinds_of(const std::vector<CachedCore::Notable>& notices) {
  std::vector<NoticeKind> kinds;
  for (const auto& each : notices) kinds.push_back(each.kind);
  return kinds;
}

Outcome outcome_of(const Event& event) { return std::get<Settle>(event).result.outcome; }

}  // namespace

// --- may a view be used?

TEST_CASE("nothing is known at first: the call asks the store") {
  SimulatedInstance instance(opens_at_once);
  const Ticket ticket = instance.ask();
  CHECK_FALSE(instance.core.take(ticket));
  instance.exchange();
  const Reply reply = instance.reply_to(ticket);
  CHECK(reply.kind == Kind::admitted);
  CHECK(reply.permit == PermitId{instance.stored.generation, 0});
  CHECK_FALSE(instance.core.take(ticket));  // once
}

TEST_CASE("a view of nothing is never used, and one of the first generation is") {
  const TimePoint now{};
  CHECK_FALSE(CachedView{.fetched_at = now}.is_usable({}, now));
  CHECK(CachedView{.generation = 1, .fetched_at = now}.is_usable({}, now));
}

TEST_CASE("a fresh view answers without a ticket, however long ago it was fetched") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  instance.pass(1h);
  CHECK(instance.permit() == PermitId{instance.stored.generation, 0});
  CHECK(instance.begin().events.empty());
}

TEST_CASE("a view is not used when its feed was last confirmed a second ago") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  instance.pass(5s);
  instance.pass_in_silence(999'999us);
  CHECK(instance.core.view().is_fresh(instance.feed, instance.now));
  CHECK(instance.knows());
  instance.pass_in_silence(1us);
  CHECK_FALSE(instance.core.view().is_fresh(instance.feed, instance.now));
  CHECK_FALSE(instance.knows());
}

TEST_CASE("a view without a feed is used for a second after it was fetched") {
  SimulatedInstance instance(opens_at_once);
  instance.feed.session = 0;
  instance.acquire();
  instance.pass(999'999us);
  CHECK_FALSE(instance.core.view().is_fresh(instance.feed, instance.now));
  CHECK(instance.knows());
  instance.pass(1us);
  CHECK_FALSE(instance.knows());
}

TEST_CASE("the age of a view counts from the beginning of its exchange") {
  SimulatedInstance instance(opens_at_once);
  instance.feed.session = 0;
  instance.ask();
  const auto exchange = instance.begin();
  instance.pass(400ms);
  instance.end(exchange);
  instance.pass(599ms);
  CHECK(instance.knows());
  instance.pass(1ms);
  CHECK_FALSE(instance.knows());
}

TEST_CASE("the age of a view counts from when the connection was last known to lead to the right server") {
  SimulatedInstance instance(opens_at_once);
  instance.feed.session = 0;
  Answer answer = instance.answer_to({});
  answer.verified_at = instance.now - 700ms;
  instance.begin();
  instance.core.end(answer, instance.feed, instance.now);
  instance.pass(299ms);
  CHECK(instance.knows());
  instance.pass(1ms);
  CHECK_FALSE(instance.knows());
}

TEST_CASE("a view whose session has ended is not used, even if it was just fetched") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  instance.feed.session = 2;
  CHECK_FALSE(instance.knows());
  instance.feed.session = 0;
  CHECK_FALSE(instance.knows());
  instance.feed.session = 1;
  CHECK(instance.knows());
}

TEST_CASE("a session of another node does not confirm a view") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  instance.pass(5s);
  instance.feed.node = 1;
  CHECK_FALSE(instance.knows());
}

TEST_CASE("a session that began during the exchange does not confirm its answer: an announcement may be missing") {
  SimulatedInstance instance(opens_at_once);
  instance.ask();
  const auto exchange = instance.begin();
  SUBCASE("another session") { instance.feed.session = 2; }
  SUBCASE("a session of another node") { instance.feed.node = 1; }
  instance.end(exchange);
  CHECK(instance.core.view().session == 0);
  CHECK(instance.core.view().node == instance.feed.node);
  CHECK(instance.knows());
  instance.pass(1s);
  CHECK_FALSE(instance.knows());
}

TEST_CASE("the end of an override makes the next call ask, by this instance's clock") {
  SimulatedInstance instance(opens_at_once);
  instance.order({Mode::forced_closed, "ann", ""}, 5s);
  CHECK(instance.core.view().is_overridden);
  instance.pass(4'999'999us);
  CHECK(instance.knows());
  instance.pass(1us);
  CHECK_FALSE(instance.knows());
  instance.acquire();
  CHECK_FALSE(instance.core.view().is_overridden);
  CHECK(instance.core.view().look_again_at == TimePoint{});
  instance.pass(5s);
  CHECK(instance.knows());
}

TEST_CASE("each exchange makes another version of the view") {
  SimulatedInstance instance(opens_at_once);
  const uint64_t before = instance.core.view().version;
  instance.acquire();
  CHECK(instance.core.view().version == before + 1);
  instance.core.add(Tick{});
  instance.exchange();
  CHECK(instance.core.view().version == before + 2);
}

// --- rejections

TEST_CASE("an open circuit rejects without the store until the end of the break") {
  SimulatedInstance instance(opens_at_once);
  instance.open();
  instance.core.take_notices();
  instance.pass(4s);
  CHECK(instance.rejection() == Rejection{State::open, 6s});
  const auto notices = instance.core.take_notices();
  REQUIRE(kinds_of(notices) == std::vector{NoticeKind::rejection});
  const Transition expected{State::open, State::open, instance.stored.generation, "not permitted", instance.now};
  CHECK(notices[0].transition == expected);
  CHECK(notices[0].count == 1);
  instance.pass(5'999'999us);
  CHECK(instance.rejection() == Rejection{State::open, 1ms});
  instance.pass(1us);
  const PermitId probe = instance.acquire();
  CHECK(probe == PermitId{instance.stored.generation, 1});
  CHECK(instance.core.view().state == State::half_open);
}

TEST_CASE("a break of which nothing is left is no wait, and one of which a microsecond is left is one") {
  SimulatedInstance instance(opens_at_once);
  instance.open();
  instance.pass(9'999'999us);
  instance.core.add(Tick{});
  instance.exchange();
  CHECK(instance.core.view().admits_from == instance.now + 1us);
  instance.pass(1us);
  instance.core.add(Tick{});
  instance.exchange();
  CHECK(instance.core.view().state == State::open);
  CHECK(instance.core.view().admits_from == TimePoint{});
}

TEST_CASE("while a probe is in flight its instance rejects the others without the store, until the lease ends") {
  SimulatedInstance instance(opens_at_once);
  instance.open();
  instance.pass(10s);
  instance.acquire();
  CHECK(instance.rejection() == Rejection{State::half_open, 1s});
  instance.pass(4'999'999us);
  CHECK(instance.rejection() == Rejection{State::half_open, 1ms});
  instance.pass(1us);
  CHECK_FALSE(instance.knows());
}

TEST_CASE("a circuit that is forced open until further notice rejects without the store for ever") {
  SimulatedInstance instance(opens_at_once);
  instance.order({Mode::forced_open, "ann", ""});
  CHECK(instance.core.view().admits_from == never);
  instance.pass(1000h);
  CHECK(instance.rejection() == Rejection{State::open, 10s});
}

TEST_CASE("a circuit that is forced open for a while rejects until then, by this instance's clock") {
  SimulatedInstance instance(opens_at_once);
  instance.order({Mode::forced_open, "ann", ""}, 30s);
  CHECK(instance.core.view().admits_from == instance.now + 30s);
  CHECK(instance.rejection() == Rejection{State::open, 30s});
  instance.pass(30s);
  CHECK_FALSE(instance.knows());
}

TEST_CASE("a circuit that is forced closed for a while has no wait") {
  SimulatedInstance instance(opens_at_once);
  instance.order({Mode::forced_closed, "ann", ""}, 30s);
  CHECK(instance.core.view().admits_from == TimePoint{});
}

TEST_CASE("only as many callers ask for a probe as there may be probes, and the others are rejected at once") {
  SimulatedInstance instance(two_probes);
  instance.open();
  instance.pass(10s);
  const Ticket first = instance.ask();
  CHECK_FALSE(instance.core.view().is_asking);
  const Ticket second = instance.ask();
  CHECK(instance.core.view().is_asking);
  CHECK(instance.rejection() == Rejection{State::open, 1ms});
  CHECK(instance.exchange().events.size() == 2);
  CHECK(instance.reply_to(first).permit.probe == 1);
  CHECK(instance.reply_to(second).permit.probe == 2);
  CHECK_FALSE(instance.core.view().is_asking);
}

TEST_CASE("callers whose question is under way count as asking too") {
  SimulatedInstance instance(two_probes);
  instance.open();
  instance.pass(10s);
  instance.ask();
  const auto exchange = instance.begin();
  const Ticket second = instance.ask();
  CHECK(instance.rejection() == Rejection{State::open, 1ms});
  instance.end(exchange);
  CHECK_FALSE(instance.core.view().is_asking);  // the second one still waits: one more may
  CHECK(instance.core.view().state == State::half_open);
  CHECK_FALSE(instance.core.take(second));
  instance.ask();
  CHECK(instance.rejection().state == State::half_open);
}

TEST_CASE("who still waits for a probe after an exchange counts as asking") {
  SimulatedInstance instance(opens_at_once);
  instance.open();
  instance.pass(10s);
  instance.core.add(Tick{});
  const auto exchange = instance.begin();
  const Ticket ticket = instance.ask();
  instance.end(exchange);
  CHECK_FALSE(instance.core.take(ticket));
  CHECK(instance.core.view().is_asking);
  CHECK_FALSE(instance.begin().events.empty());
}

TEST_CASE("results that wait do not count as asking") {
  SimulatedInstance instance(opens_at_once);
  instance.open();
  instance.pass(10s);
  const PermitId probe = instance.acquire();
  instance.pass(5s);
  instance.send(probe, failure);
  instance.core.add(HealthReport{});
  CHECK_FALSE(instance.core.view().is_asking);
}

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

// --- answers and announcements

TEST_CASE("an answer that is older than the view does not replace it, and admits nothing: the call asks again") {
  SimulatedInstance instance(opens_at_once);
  const PermitId permit = instance.acquire();
  const Answer older = instance.answer_to({Acquire{}});
  instance.settle(permit, failure);
  const CachedView before = instance.core.view();
  instance.pass(10s);
  const Ticket ticket = instance.ask();
  instance.begin();
  instance.core.end(older, instance.feed, instance.now);
  CHECK(instance.core.view().generation == before.generation);
  CHECK(instance.core.view().state == State::open);
  CHECK(instance.core.view().version == before.version);
  CHECK(instance.core.latest().generation == before.generation);
  CHECK_FALSE(instance.core.take(ticket));
  instance.exchange();
  CHECK(instance.reply_to(ticket).permit.generation > before.generation);
}

TEST_CASE("notices after an older answer have the state and generation of the view") {
  SimulatedInstance instance(opens_at_once);
  const PermitId permit = instance.acquire();
  const Answer older = instance.answer_to({Tick{}});
  instance.settle(permit, failure);
  instance.core.take_notices();
  instance.core.add(Tick{});
  instance.begin();
  instance.core.end(older, instance.feed, instance.now);
  instance.rejection();
  const auto notices = instance.core.take_notices();
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].transition.to == State::open);
  CHECK(notices[0].transition.generation == instance.stored.generation);
}

TEST_CASE("callers that wait for a probe go on waiting after an older answer") {
  SimulatedInstance instance(two_probes);
  const PermitId permit = instance.acquire();
  const Answer older = instance.answer_to({Acquire{}});
  instance.settle(permit, failure);
  instance.pass(10s);
  instance.ask();
  instance.begin();
  const Ticket second = instance.ask();
  instance.core.end(older, instance.feed, instance.now);
  CHECK_FALSE(instance.core.take(second));
  CHECK(instance.core.view().is_asking);
  CHECK(instance.begin().events.size() == 2);
}

TEST_CASE("successes are reported while there are failures to reset") {
  SimulatedInstance instance(three_failures);
  const PermitId permit = instance.acquire();
  CHECK_FALSE(instance.core.view().reports_successes);
  instance.settle(permit, failure);
  CHECK(instance.core.view().reports_successes);
  instance.core.add_successes(1, 0, instance.now);
  instance.exchange();
  CHECK_FALSE(instance.core.view().reports_successes);
}

TEST_CASE("a key that another instance writes makes successes reported; a state is fetched") {
  SimulatedInstance instance(three_failures);
  instance.acquire();
  CHECK(instance.core.written("state", instance.now));
  CHECK_FALSE(instance.core.view().reports_successes);
  CHECK_FALSE(instance.core.written("failures", instance.now));
  CHECK(instance.core.view().reports_successes);
}

TEST_CASE("while the circuit is not closed, every key that is written is fetched") {
  SimulatedInstance instance(opens_at_once);
  instance.order({Mode::forced_open, "ann", ""});
  CHECK(instance.core.written("failures", instance.now));
  CHECK_FALSE(instance.core.view().reports_successes);
}

TEST_CASE("a key written during an exchange keeps successes reported: the answer may be older") {
  SimulatedInstance instance(three_failures);
  instance.acquire();
  instance.core.add(Tick{});
  const auto exchange = instance.begin();
  instance.core.written("failures", instance.now);
  instance.end(exchange);
  CHECK(instance.core.view().reports_successes);
  instance.exchange();
  CHECK_FALSE(instance.core.view().reports_successes);
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

// --- what the local breaker starts from

TEST_CASE("the snapshot has what is known: the state, the failures, the end of the wait and the override") {
  SimulatedInstance instance(opens_at_once);
  SUBCASE("closed") {
    instance.acquire();
    const Snapshot snapshot = instance.core.shared_state().snapshot;
    CHECK(snapshot.state == State::closed);
    CHECK(snapshot.generation == instance.stored.generation);
  }
  SUBCASE("half-open is shown as open until the probe's lease ends") {
    instance.open();
    instance.pass(10s);
    instance.acquire();
    const Snapshot snapshot = instance.core.shared_state().snapshot;
    CHECK(snapshot.state == State::open);
    CHECK(snapshot.open_until == instance.now + 5s);
    CHECK(snapshot.counts.failures == 1);
  }
  SUBCASE("overridden") {
    instance.order({Mode::forced_open, "ann", ""}, 5s);
    const Snapshot snapshot = instance.core.shared_state().snapshot;
    CHECK(snapshot.mode == Mode::forced_open);
    CHECK(snapshot.mode_until == instance.now + 5s);
    CHECK(snapshot.open_until == instance.now + 5s);
  }
}

TEST_CASE("the latest answer is kept without its replies") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  CHECK(instance.core.latest().replies.empty());
  CHECK(instance.core.latest().generation == instance.stored.generation);
}

// --- announced transitions

namespace {

// What the script publishes when another instance makes a transition.
News news_of(const SimulatedInstance& instance) {
  const Snapshot& stored = instance.stored;
  const TimePoint from = admits_from(stored, instance.policy), now = instance.store_time();
  return {stored.state,
          stored.generation,
          instance.epoch,
          stored.counts.failures,
          std::max(microseconds(0), from - now),
          stored.mode != Mode::automatic,
          now};
}

// Another instance opens the circuit.
News opened_elsewhere(SimulatedInstance& instance) {
  const PermitId permit = instance.elsewhere(Acquire{}).permit;
  REQUIRE(instance.elsewhere(Settle{permit, failure}).state == State::open);
  return news_of(instance);
}

}  // namespace

TEST_CASE("an announced transition takes effect at once, without a question and without a notice") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  instance.core.announced(opened_elsewhere(instance), instance.feed, instance.now);
  CHECK(instance.rejection() == Rejection{State::open, 10s});
  CHECK(kinds_of(instance.core.take_notices()) == std::vector{NoticeKind::rejection});
  CHECK(instance.begin().known.generation == instance.stored.generation);
  CHECK_FALSE(instance.begin().known.open_for < 9s);
}

TEST_CASE("the news of a probe that ended without a transition lets the next caller ask, and explain its keys") {
  SimulatedInstance instance({.failure_threshold = 1, .recovery_timeout = 10s, .success_threshold = 2});
  instance.open();
  instance.pass(10s);
  const PermitId probe = instance.elsewhere(Acquire{}).permit;
  instance.ask();
  instance.exchange();
  CHECK(instance.rejection().state == State::half_open);
  const uint64_t version = instance.core.view().version;
  REQUIRE(instance.elsewhere(Settle{probe, success}).state == State::half_open);
  instance.core.announced(news_of(instance), instance.feed, instance.now);
  CHECK_FALSE(instance.core.written("failures", instance.now));
  CHECK(instance.core.view().version == version);  // a local breaker goes on
  CHECK(instance.acquire().probe == 2);
}

TEST_CASE("the news that a probe has ended may overtake an answer from before: the next caller asks") {
  SimulatedInstance instance({.failure_threshold = 1, .recovery_timeout = 10s, .success_threshold = 2});
  instance.open();
  instance.pass(10s);
  const PermitId probe = instance.elsewhere(Acquire{}).permit;
  SUBCASE("the view is of that generation") {
    instance.ask();
    instance.exchange();
  }
  SUBCASE("the view is older") {}
  instance.core.add(Tick{});
  const auto exchange = instance.begin();
  const Answer answer = instance.answer_to(exchange.events);
  REQUIRE(instance.elsewhere(Settle{probe, success}).state == State::half_open);
  instance.core.announced(news_of(instance), instance.feed, instance.now);
  instance.core.end(answer, instance.feed, instance.now);
  CHECK(instance.acquire().probe == 2);
}

TEST_CASE("the news of an older transition changes nothing") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  News news = opened_elsewhere(instance);
  news.generation = instance.core.view().generation;
  const uint64_t version = instance.core.view().version;
  instance.core.announced(news, instance.feed, instance.now);
  CHECK(instance.core.view().state == State::closed);
  CHECK(instance.core.view().version == version);
}

TEST_CASE("the news on another session or node is known, but the view must be fetched before its next use") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  SUBCASE("another session") { ++instance.feed.session; }
  SUBCASE("another node") { ++instance.feed.node; }
  instance.core.announced(opened_elsewhere(instance), instance.feed, instance.now);
  CHECK(instance.core.shared_state().snapshot.state == State::open);
  CHECK_FALSE(instance.knows());
}

TEST_CASE("of an override that is known only by its news, the break is known: to a local breaker, and to restore it") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  instance.elsewhere(ApplyOverride{{Mode::forced_open, "ann", ""}, 1min});
  instance.core.announced(news_of(instance), instance.feed, instance.now);
  const SharedState shared = instance.core.shared_state();
  CHECK(shared.snapshot.state == State::open);
  CHECK(shared.snapshot.open_until > instance.now + 59s);
  CHECK(shared.snapshot.mode == Mode::automatic);
  CHECK(shared.snapshot.mode_until == TimePoint{});
  instance.core.add(Tick{});
  const LastKnown known = instance.begin().known;
  CHECK(known.open_for > 59s);
  CHECK(known.override_for == 0s);
}

TEST_CASE("news that arrive during an exchange that fails are not lost") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  instance.core.add(Tick{});
  instance.begin();
  instance.core.announced(opened_elsewhere(instance), instance.feed, instance.now);
  instance.fail();
  CHECK(instance.core.shared_state().snapshot.state == State::open);
  CHECK(instance.core.view().generation == instance.stored.generation);
}

TEST_CASE("the news of an override makes the next call ask: its end is not announced") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  instance.elsewhere(ApplyOverride{{Mode::forced_closed, "ann", ""}, 1min});
  instance.core.announced(news_of(instance), instance.feed, instance.now);
  instance.ask();
}

TEST_CASE("the news of a transition that this instance has just made takes effect; its answer is reported first") {
  SimulatedInstance instance(opens_at_once);
  const PermitId permit = instance.acquire();
  instance.core.take_notices();
  instance.send(permit, failure);
  const auto exchange = instance.begin();
  const Answer answer = instance.answer_to(exchange.events);
  instance.core.announced(news_of(instance), instance.feed, instance.now);
  CHECK(instance.core.view().state == State::open);
  CHECK(instance.core.take_notices().empty());
  SUBCASE("and is no news then") {}
  SUBCASE("and one that is newer still takes effect after it") {
    instance.pass(10s);
    instance.elsewhere(Acquire{});
    instance.core.announced(news_of(instance), instance.feed, instance.now);
  }
  instance.core.end(answer, instance.feed, instance.now);
  CHECK(instance.core.view().generation == instance.stored.generation);
  CHECK(instance.core.view().state == instance.stored.state);
  const auto notices = instance.core.take_notices();
  REQUIRE(kinds_of(notices) == std::vector{NoticeKind::transition});
  CHECK(notices[0].transition.to == State::open);
}

TEST_CASE("an admission that the news of a later transition has overtaken is no admission") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  ++instance.feed.session;  // the view is not fresh: the next call asks
  const Ticket ticket = instance.ask();
  const auto exchange = instance.begin();
  const Answer answer = instance.answer_to(exchange.events);
  instance.core.announced(opened_elsewhere(instance), instance.feed, instance.now);
  instance.core.end(answer, instance.feed, instance.now);
  CHECK_FALSE(instance.core.take(ticket));
  instance.exchange();
  CHECK(instance.reply_to(ticket).kind == Reply::Kind::rejected);
}

TEST_CASE("a view without a session is not used after the news of a later transition, however young it is") {
  SimulatedInstance instance(opens_at_once);
  instance.feed.session = 0;
  instance.acquire();
  CHECK(instance.knows());
  instance.feed.session = 1;
  CHECK(instance.knows());
  instance.core.announced(opened_elsewhere(instance), instance.feed, instance.now);
  CHECK_FALSE(instance.knows());
}

TEST_CASE("the keys of a transition whose news has arrived need no question, no matter who made it") {
  SimulatedInstance instance(opens_at_once);
  const PermitId permit = instance.acquire();
  SUBCASE("another instance") { instance.core.announced(opened_elsewhere(instance), instance.feed, instance.now); }
  SUBCASE("this one, before its answer") {
    instance.send(permit, failure);
    const auto exchange = instance.begin();
    const Answer answer = instance.answer_to(exchange.events);
    instance.core.announced(news_of(instance), instance.feed, instance.now);
    instance.core.end(answer, instance.feed, instance.now);
  }
  SUBCASE("this one, after its answer") {
    instance.settle(permit, failure);
    instance.core.announced(news_of(instance), instance.feed, instance.now);
  }
  CHECK_FALSE(instance.core.written("state", instance.now));
  CHECK_FALSE(instance.core.written("breaker", instance.now));
  CHECK_FALSE(instance.core.was_written());
  CHECK(instance.core.written("state", instance.now));  // another program
  CHECK(instance.core.was_written());
  instance.pass(6ms);
  CHECK(instance.core.written("probes", instance.now));
}

TEST_CASE("a failure at once after the circuit has closed makes successes reported: the news explain each key once") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  News news = opened_elsewhere(instance);
  news.state = State::closed;
  news.failures = 0;
  instance.core.announced(news, instance.feed, instance.now);
  CHECK_FALSE(instance.core.written("failures", instance.now));
  CHECK_FALSE(instance.core.view().reports_successes);
  CHECK_FALSE(instance.core.written("failures", instance.now));  // no question
  CHECK(instance.core.view().reports_successes);
}

TEST_CASE("news that do not take effect explain no key: of another session, or of an override, whose end they lack") {
  SimulatedInstance instance(opens_at_once);
  instance.acquire();
  News news = opened_elsewhere(instance);
  SUBCASE("another session") { ++instance.feed.session; }
  SUBCASE("an override") { news.is_overridden = true; }
  instance.core.announced(news, instance.feed, instance.now);
  CHECK(instance.core.written("state", instance.now));
}

TEST_CASE(
    "a key that was written after the last exchange began causes a question, one that was written before it none") {
  SimulatedInstance instance(opens_at_once);
  instance.open();
  CHECK(instance.core.written("breaker", instance.now));
  CHECK(instance.core.was_written());
  const auto exchange = instance.begin();
  CHECK_FALSE(instance.core.was_written());
  instance.end(exchange);
  CHECK_FALSE(instance.core.was_written());
}
