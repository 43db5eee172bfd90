#include "program/command_line/nearest.hpp"

#include <doctest/doctest.h>

using namespace program;

TEST_CASE("an edit is a letter inserted, deleted, replaced or swapped with its neighbour") {
  CHECK(edit_distance("outage", "outage") == 0);
  CHECK(edit_distance("outge", "outage") == 1);
  CHECK(edit_distance("outtage", "outage") == 1);
  CHECK(edit_distance("outige", "outage") == 1);
  CHECK(edit_distance("otuage", "outage") == 1);
  CHECK(edit_distance("", "race") == 4);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest known word is suggested, if it is near") {
  const std::vector<std::string> known{"outage", "outage-10", "race", "flaky"};
  CHECK(nearest("outge", known) == "outage");
  CHECK(nearest("outage10", known) == "outage-10");
  CHECK(nearest("rcae", known) == "race");
  CHECK(nearest("flakey", known) == "flaky");
  CHECK_FALSE(nearest("banana", known));
  CHECK_FALSE(nearest("", known));
  CHECK_FALSE(nearest("race", {}));
  CHECK(did_you_mean("outge", known) == "; did you mean outage?");
  CHECK(did_you_mean("banana", known).empty());
}

TEST_CASE("a word of any length is compared in no time") {
  CHECK_FALSE(nearest(std::string(1'000'000, 'x'), {"outage"}));
}
