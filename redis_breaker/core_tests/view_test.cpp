// What one instance answers by itself, from its view, and what its local breaker starts from.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "redis_breaker/core_tests/simulated_instance_for_test.hpp"

namespace cb::core_tests {

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

}  // namespace cb::core_tests
