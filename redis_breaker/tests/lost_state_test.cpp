// Redis has come back without what it knew: who knows what, and whose knowledge counts.
#include <doctest/doctest.h>

#include <chrono>

#include "redis_breaker/script/breaker_script.hpp"
#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

SharedAnswer answer_in(const SharedTable::Result& result) {
  REQUIRE(std::holds_alternative<SharedAnswer>(result));
  return std::get<SharedAnswer>(result);
}

Seen seen_in(const SharedAnswer& answer) {
  Seen seen{.generation = answer.generation, .state = answer.state, .epoch = answer.epoch, .run = answer.origin.run};
  seen.open_for = answer.wait;
  return seen;
}

}  // namespace

TEST_CASE("a reset by a person on the new server is not undone by who still knows the old one") {
  TestRedis server;
  const SharedTable table(server.client, one_failure, "a");
  const Seen nothing;
  const auto closed = answer_in(table.acquire("x", nothing));
  const auto open = answer_in(table.settle("x", seen_in(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  REQUIRE(open.state == State::open);
  server.server.restart();
  const auto newcomers = answer_in(table.acquire("x", nothing));
  CHECK(newcomers.state == State::closed);
  answer_in(table.apply_override("x", seen_in(newcomers), {Mode::reset, "ann", ""}, {}));
  CHECK(answer_in(table.tick("x", seen_in(open))).state == State::closed);
}

TEST_CASE("a long break that was lost is restored as long as it was to be") {
  TestRedis server;
  const Policy policy{.failure_threshold = 1,
                      .recovery_timeout = 1s,
                      .recovery_timeout_multiplier = 10,
                      .recovery_timeout_maximum = 10min};
  const SharedTable table(server.client, policy, "a");
  const auto closed = answer_in(table.acquire("x", {}));
  auto open = answer_in(table.settle("x", seen_in(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  open.wait = 300s;  // a break that has grown
  server.server.restart();
  CHECK(answer_in(table.tick("x", seen_in(open))).wait > 290s);
}

TEST_CASE("what one knew to be closed again on the lost server is not opened by who had not heard of it") {
  TestRedis server;
  const SharedTable table(server.client, one_failure, "a");
  const auto closed = answer_in(table.acquire("x", {}));
  const auto open = answer_in(table.settle("x", seen_in(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  const auto reset = answer_in(table.apply_override("x", seen_in(open), {Mode::reset, "ann", ""}, {}));
  server.server.restart();
  CHECK(answer_in(table.tick("x", seen_in(reset))).state == State::closed);
  CHECK(answer_in(table.tick("x", seen_in(open))).state == State::closed);
}

TEST_CASE("what one had not heard of is restored by who had, in whatever order they come") {
  TestRedis server;
  const SharedTable table(server.client, one_failure, "a");
  const auto closed = answer_in(table.acquire("x", {}));
  const auto open = answer_in(table.settle("x", seen_in(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  server.server.restart();
  CHECK(answer_in(table.tick("x", seen_in(closed))).state == State::closed);
  CHECK(answer_in(table.tick("x", seen_in(open))).state == State::open);
  CHECK(answer_in(table.tick("x", seen_in(open))).transitions.empty());
}
