#include "unreliable_service/ledger.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using unreliable::Fate;
using unreliable::Ledger;

TEST_CASE("a ledger counts by caller and by fate, and in total") {
  Ledger ledger;
  ledger.enter("Instance-A", Fate::success);
  ledger.enter("Instance-A", Fate::failure);
  ledger.enter("Instance-B", Fate::hang);
  const auto page = ledger.page();
  CHECK(page.total.received() == 3);
  CHECK(page.total.of(Fate::drop) == 0);
  CHECK(page.callers.at("Instance-A").received() == 2);
  CHECK(page.callers.at("Instance-A").of(Fate::failure) == 1);
  CHECK(page.callers.at("Instance-B").of(Fate::hang) == 1);
}

TEST_CASE("a cleared ledger is empty") {
  Ledger ledger;
  ledger.enter("Instance-A", Fate::success);
  ledger.clear();
  CHECK(ledger.page().total.received() == 0);
  CHECK(ledger.page().callers.empty());
}

TEST_CASE("a caller's name is cut to 64 plain characters, and an empty one is (unknown)") {
  Ledger ledger;
  ledger.enter("", Fate::success);
  ledger.enter(std::string(5000, 'a'), Fate::success);
  ledger.enter("b\xff\n", Fate::success);
  const auto callers = ledger.page().callers;
  CHECK(callers.size() == 3);
  CHECK(callers.contains("(unknown)"));
  CHECK(callers.contains(std::string(64, 'a')));
  CHECK(callers.contains("b??"));
}

TEST_CASE("callers beyond the thousandth are counted together, and known ones still by name") {
  Ledger ledger;
  for (int i = 0; i < 1500; ++i) ledger.enter("caller-" + std::to_string(i), Fate::success);
  ledger.enter("caller-0", Fate::success);
  const auto page = ledger.page();
  CHECK(page.callers.size() == 1001);
  CHECK(page.callers.at("(others)").received() == 500);
  CHECK(page.callers.at("caller-0").received() == 2);
  CHECK(page.total.received() == 1501);
}

TEST_CASE("every entry counts, from many threads") {
  Ledger ledger;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&ledger, name = "caller-" + std::to_string(i % 2)] {
        for (int entry = 0; entry < 1000; ++entry) ledger.enter(name, Fate::failure);
      });
    }
  }
  CHECK(ledger.page().total.of(Fate::failure) == 4000);
  CHECK(ledger.page().callers.at("caller-1").received() == 2000);
}
