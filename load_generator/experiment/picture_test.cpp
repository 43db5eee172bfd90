#include "load_generator/experiment/picture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "load_generator/experiment/progress_line.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;

namespace {

const Expectation five{"counted_failures", 5, 5, "one breaker"};

Summary run_of(const std::string& variant, double measured, Expectation expectation) {
  return {"outage-10", variant, "How many?", {{expectation.measure, measured}}, {std::move(expectation)}};
}

std::vector<Summary> three_designs() {
  return {run_of("simple", 5, {"upstream_failures", 5, 5, "one process"}),
          run_of("distributed", 50, {"counted_failures", 50, 50, "ten breakers"}),
          run_of("redis", 5, {"counted_failures", 5, 14, "one breaker"})};
}

}  // namespace

TEST_CASE("a picture has a square for each failed call, measured beside expected") {
  CHECK(picture(three_designs(), {.columns = 90}) ==
        "outage-10: calls that failed\n"
        "  simple      #####                                               5  expected 5\n"
        "  distributed ################################################## 50  expected 50\n"
        "  redis       #####                                               5  expected 5 to 14\n");
}

TEST_CASE("where it does not fit, a square stands for several calls, and the title says so") {
  CHECK(picture(three_designs(), {.columns = 80, .square = "\u25a0"}) ==
        "outage-10: calls that failed (one \u25a0 for 2)\n"
        "  simple      \u25a0\u25a0\u25a0                        5  expected 5\n"
        "  distributed \u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0"
        "\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0\u25a0 50  expected 50\n"
        "  redis       \u25a0\u25a0\u25a0                        5  expected 5 to 14\n");
  for (const double measured : {200.0, 999.0, 1e12}) {
    for (const size_t columns : {40, 60, 80, 120}) {
      const std::string drawn = picture({run_of(std::string(64, 'n'), measured, five)}, {.columns = columns});
      CHECK(longest_line(drawn) <= std::max<size_t>(columns, 72));  // never shorter than ten squares
      CHECK(has(drawn, "(one #"));
    }
  }
}

TEST_CASE("one call of many still has a square, and none has none") {
  const std::string drawn = picture({run_of("one", 1, five), run_of("none", 0, five), run_of("many", 1000, five)}, {});
  CHECK(has(drawn, "  one  # "));
  CHECK(has(drawn, "  none   "));
}

TEST_CASE("a bar is green where its expectation held and red where not; without colours a ! marks it") {
  const std::vector<Summary> runs{run_of("held", 5, five), run_of("wrong", 6, five)};
  const std::string coloured = picture(runs, {.screen = Screen::terminal});
  CHECK(has(coloured, "held  \033[32m#####\033[0m  5  \033[32mexpected 5\033[0m\n"));
  CHECK(has(coloured, "wrong \033[31m######\033[0m 6! \033[31mexpected 5\033[0m\n"));
  const std::string plain = picture(runs, {});
  CHECK(has(plain, "wrong ###### 6! expected 5\n"));
  CHECK_FALSE(has(plain, "\033"));
}

TEST_CASE("another count is drawn where a scenario expects it first: not a time, nor what must not happen") {
  const Summary first{"x",
                      "a",
                      "",
                      {{"unreachable", 0}, {"local_ms", 9}, {"success", 2}, {"probes", 3}},
                      {{"unreachable", 0, 0, ""}, {"local_ms", 1, 9, ""}, {"success", 2, 2, ""}, {"probes", 3, 3, ""}}};
  Summary second{"x", "b", "", {{"unreachable", 0}, {"probes", 1}}, {{"unreachable", 0, 0, ""}, {"probes", 1, 1, ""}}};
  CHECK(picture({first, second}, {}) == "x: probes\n  a ### 3  expected 3\n  b #   1  expected 1\n");
  second.expectations.clear();
  CHECK(picture({first, second}, {}) == "x: calls that succeeded\n  a ## 2  expected 2\n  b    -\n");
}

TEST_CASE("without expectations the failed calls are drawn") {
  const Summary run{"x", "a", "", {{"upstream_failures", 2}}, {}};
  CHECK(picture({run}, {}) == "x: calls that failed\n  a ## 2\n");
  CHECK(has(outcome({run}, Detail::picture, {}), "nothing is expected"));
}

TEST_CASE("what did not hold is printed in full; the tables only with all details") {
  const std::vector<Summary> runs{run_of("held", 5, five), run_of("wrong", 6, five)};
  const std::string brief = outcome(runs, Detail::picture, {});
  CHECK(has(brief,
            "outage-10, wrong:\n  NOT HELD  counted_failures\n            expected exactly 5, measured 6\n"
            "            because one breaker\n"));
  CHECK(has(brief, "1 of 2 expectations did not hold; --details lists all\n"));
  CHECK_FALSE(has(brief, "outage-10, held:"));
  const std::string all = outcome(runs, Detail::everything, {});
  CHECK(all.starts_with(picture(runs, {})));
  CHECK(has(all, "outage-10, held:"));
  CHECK(has(outcome({runs.front()}, Detail::picture, {}), "1 of 1 expectations held; --details lists them\n"));
}

TEST_CASE("progress is one line in a pipe, and on a terminal one that is drawn over and erased") {
  std::ostringstream pipe, terminal;
  for (auto [out, screen] : {std::pair{&pipe, Screen::plain}, std::pair{&terminal, Screen::terminal}}) {
    ProgressLine line(*out, {.screen = screen}, "outage, redis (3 of 3)", std::chrono::milliseconds(4500));
    line.fleet_is_up({}, "");
    line.tick(std::chrono::milliseconds(2250));
  }
  CHECK(pipe.str() == "outage, redis (3 of 3), 4.5 s\n");
  CHECK(terminal.str() ==
        "\r\033[Koutage, redis (3 of 3)  starts"
        "\r\033[Koutage, redis (3 of 3)  [....................] 0.0 of 4.5 s"
        "\r\033[Koutage, redis (3 of 3)  [##########..........] 2.2 of 4.5 s\r\033[K");
}
