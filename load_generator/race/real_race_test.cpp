#include "load_generator/race/real_race.hpp"

#include <doctest/doctest.h>

#include <future>

using namespace load;

TEST_CASE("the loads of a race begin together, and when one cannot go on all end") {
  StartingLine line(2);
  CHECK_FALSE(line.started_at());
  auto first = std::async(std::launch::async, [&] { line.wait_for_all(); });
  line.wait_for_all();
  first.get();
  CHECK(line.started_at());
  CHECK_NOTHROW(line.require_going());
  line.end();
  CHECK_THROWS_AS(line.require_going(), RaceEnded);
}

TEST_CASE("a load that waits for another one is released when the race ends") {
  StartingLine line(2);
  auto waiting = std::async(std::launch::async, [&] { line.wait_for_all(); });
  line.end();
  CHECK_THROWS_AS(waiting.get(), RaceEnded);
  CHECK_FALSE(line.started_at());
}

TEST_CASE("a race that has ended before its fleets are up starts none") {
  const program::StopSignal stop;
  RealRace race({3, 2, 60});
  race.end();
  CHECK_THROWS_AS(race.play(stop), RaceEnded);
  CHECK_FALSE(race.elapsed());
}

TEST_CASE("a reader of a race gets what is new to it, by fleet") {
  RaceRecord record;
  Call call;
  call.target = 4;
  record.add(0, call);
  record.add(0, call);
  record.add(1, Transition{2, 7, State::closed, State::open, "5 consecutive failures", Offset(1), false});
  const auto all = record.since({});
  REQUIRE(all);
  CHECK(all->at(0).calls.size() == 2);
  CHECK(all->at(0).calls[0].target == 4);
  CHECK(all->at(0).seen.calls == 2);
  CHECK(all->at(1).transitions.size() == 1);
  record.add(1, call);
  const auto news = record.since({all->at(0).seen, all->at(1).seen});
  REQUIRE(news);
  CHECK(news->at(0).calls.empty());
  CHECK(news->at(1).transitions.empty());
  CHECK(news->at(1).calls.size() == 1);
  CHECK_FALSE(record.since({{{3, 0}, {0, 0}}}));
  CHECK_FALSE(record.since({{{0, 0}, {0, 2}}}));
}
