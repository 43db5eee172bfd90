// What README.md concludes about one shared breaker and many small ones.
#include "load_generator/simulation/tables/border_table.hpp"

#include <doctest/doctest.h>

namespace {

using simulation::BorderCase;
using simulation::Cost;
using simulation::Sharing;

Cost cost(Sharing sharing, BorderCase what) {
  what.sharing = sharing;
  return simulation::cost_of(what, {});
}

}  // namespace

TEST_CASE("at low traffic the shared breaker opens, and separate ones count too few calls") {
  for (const cb::Policy& policy : {simulation::failures_in_a_row(), simulation::failure_rate()}) {
    const BorderCase outage{.policy = policy, .failing = 1, .traffic = 0.1};
    const Cost each = cost(Sharing::each, outage);
    const Cost one = cost(Sharing::one, outage);
    CHECK(each.failed > 25);  // of 30
    CHECK(each.turned_away < 1);
    CHECK(one.failed < 20);
  }
}

TEST_CASE("with failures in a row, an outage costs the shared breaker a tenth; with a rate, about the same") {
  const BorderCase in_a_row{.policy = simulation::failures_in_a_row(), .failing = 1, .traffic = 10};
  CHECK(cost(Sharing::each, in_a_row).failed > 5 * cost(Sharing::one, in_a_row).failed);
  const BorderCase rate{.policy = simulation::failure_rate(), .failing = 1, .traffic = 10};
  CHECK(cost(Sharing::each, rate).failed < 1.3 * cost(Sharing::one, rate).failed);
}

TEST_CASE("with failures in a row, a fifth of failures opens the shared breaker more often, and for all") {
  const BorderCase fifth{.policy = simulation::failures_in_a_row(), .failing = 0.2, .traffic = 50};
  CHECK(cost(Sharing::one, fifth).turned_away > 3 * cost(Sharing::each, fifth).turned_away);
}

TEST_CASE("with a third of the instances cut off, only the shared breaker without a quorum turns good calls away") {
  const BorderCase zone{.policy = simulation::failures_in_a_row(), .cut_off = 3, .traffic = 10};
  const Cost each = cost(Sharing::each, zone);
  const Cost one = cost(Sharing::one, zone);
  const Cost quorum = cost(Sharing::quorum, zone);
  CHECK(one.turned_away > 200);  // of 2100
  CHECK(each.turned_away < 60);  // while the instances that were cut off find out that it is over
  CHECK(quorum.turned_away < 60);
  CHECK(quorum.failed < 60);
}

TEST_CASE("a shared breaker that counts a rate does not protect the callers of a cut-off instance") {
  const BorderCase one_broken{.policy = simulation::failure_rate(), .cut_off = 1, .traffic = 10};
  CHECK(cost(Sharing::one, one_broken).failed > 1.5 * cost(Sharing::each, one_broken).failed);
  CHECK(cost(Sharing::quorum, one_broken).total() < 1.1 * cost(Sharing::each, one_broken).total());
}

TEST_CASE("five failures of one cut-off instance in a row overtake the others' successes, if they come within 100 ms") {
  BorderCase one_broken{.policy = simulation::failures_in_a_row(), .cut_off = 1, .traffic = 10};
  CHECK(cost(Sharing::one, one_broken).turned_away < 100);
  one_broken.traffic = 100;
  CHECK(cost(Sharing::one, one_broken).turned_away > 20'000);
}

TEST_CASE("a quorum costs little in an outage, and protects until so many instances are cut off") {
  BorderCase fault{.policy = simulation::failures_in_a_row(), .failing = 1, .traffic = 10};
  CHECK(cost(Sharing::quorum, fault).failed < 15);
  fault.failing = 0;
  fault.cut_off = 5;
  CHECK(cost(Sharing::quorum, fault).turned_away > 10 * cost(Sharing::each, fault).turned_away);
}
