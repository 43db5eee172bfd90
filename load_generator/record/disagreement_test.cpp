#include "load_generator/record/disagreement.hpp"

#include <doctest/doctest.h>

using namespace load;
using std::chrono::milliseconds;

TEST_CASE("a disagreement lasts while any two instances are in different states, whichever these are") {
  Disagreement disagreement(2);
  CHECK_FALSE(disagreement.present(milliseconds(0)));
  disagreement.feed(milliseconds(0), 0, State::closed);
  disagreement.feed(milliseconds(0), 1, State::closed);
  CHECK_FALSE(disagreement.present(milliseconds(50)));
  disagreement.feed(milliseconds(100), 0, State::open);
  CHECK(disagreement.present(milliseconds(130)) == milliseconds(30));
  CHECK(disagreement.total(milliseconds(130)) == milliseconds(30));
  disagreement.feed(milliseconds(150), 0, State::half_open);
  CHECK(disagreement.present(milliseconds(160)) == milliseconds(60));
  disagreement.feed(milliseconds(170), 1, State::half_open);
  CHECK_FALSE(disagreement.present(milliseconds(300)));
  CHECK(disagreement.total(milliseconds(300)) == milliseconds(70));
  disagreement.feed(milliseconds(400), 1, State::closed);
  CHECK(disagreement.present(milliseconds(405)) == milliseconds(5));
  CHECK(disagreement.total(milliseconds(405)) == milliseconds(75));
}

TEST_CASE("an instance that does not answer does not disagree") {
  Disagreement disagreement(3);
  disagreement.feed(milliseconds(0), 0, State::closed);
  disagreement.feed(milliseconds(10), 1, State::open);
  disagreement.feed(milliseconds(30), 1, State::unknown);
  CHECK(disagreement.total(milliseconds(100)) == milliseconds(20));
  CHECK_FALSE(disagreement.present(milliseconds(100)));
}

TEST_CASE("simultaneous changes to the same state are not a disagreement") {
  Disagreement disagreement(2);
  for (const int ms : {0, 100}) {
    const State state = ms == 0 ? State::closed : State::open;
    disagreement.feed(milliseconds(ms), 0, state);
    disagreement.feed(milliseconds(ms), 1, state);
  }
  CHECK(disagreement.total(milliseconds(200)) == Offset(0));
}

TEST_CASE("lanes are read together, in order of time") {
  const auto at = [](int ms, State state) { return Sample{milliseconds(ms), state}; };
  const Disagreement disagreement =
      disagreement_in({{at(0, State::closed), at(300, State::open)}, {at(0, State::closed), at(500, State::open)}, {}});
  CHECK(disagreement.total(milliseconds(1000)) == milliseconds(200));
}
