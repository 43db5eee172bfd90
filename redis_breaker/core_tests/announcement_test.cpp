// What one instance does with what its store announces, and with answers that the news have overtaken.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "redis_breaker/core_tests/simulated_instance_for_test.hpp"

namespace cb::core_tests {

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

// --- announced transitions

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

}  // namespace cb::core_tests
