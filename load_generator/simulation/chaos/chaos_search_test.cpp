#include "load_generator/simulation/chaos/chaos_search.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <iostream>
#include <sstream>

TEST_CASE("Ctrl-C ends the search after the present life, with the figures of all that it has played") {
  const program::StopSignal stop;
  std::ostringstream output;
  auto* const before = std::cout.rdbuf(output.rdbuf());
  raise(SIGINT);
  const int exit_code = simulation::search_chaos({.hours = 1e9, .seed = 5, .instances = 3}, stop);
  std::cout.rdbuf(before);
  CHECK(exit_code == program::interrupted);
  CHECK(output.str().starts_with("interrupted: 1 lives from seed 5 on, 2"));  // a day, about
  CHECK(output.str().find("network loses") != std::string::npos);
}
