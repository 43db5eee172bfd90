#include "distributed_breaker/resilience/retry.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <random>
#include <thread>
#include <vector>

#include "distributed_breaker/resilience/call_policy.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

int withdrawals(RetryBudget& budget) {
  int count = 0;
  while (count < 1000 && budget.withdraw()) ++count;
  return count;
}

}  // namespace

TEST_CASE("without a budget every retry is allowed") {
  RetryBudget budget(0);
  CHECK(withdrawals(budget) == 1000);
}

TEST_CASE("a new budget allows one retry") {
  RetryBudget budget(0.1);
  CHECK(withdrawals(budget) == RetryBudget::reserve);
  CHECK(budget.tokens() == 0);
}

TEST_CASE("ten calls earn exactly one retry at a share of 0.1") {
  RetryBudget budget(0.1);
  CHECK(budget.withdraw());
  for (int call = 0; call < 9; ++call) budget.deposit();
  CHECK(!budget.withdraw());
  budget.deposit();
  CHECK(budget.withdraw());
  CHECK(!budget.withdraw());
}

TEST_CASE("a quiet hour saves up no more than the capacity") {
  RetryBudget budget(1);
  for (int call = 0; call < 3600; ++call) budget.deposit();
  CHECK(budget.tokens() == RetryBudget::capacity);
  CHECK(withdrawals(budget) == RetryBudget::capacity);
}

TEST_CASE("concurrent deposits and withdrawals neither lose nor create a token") {
  constexpr int threads = 8, calls = 50'000;
  RetryBudget budget(0.25);
  std::atomic<int> retries{0};
  std::latch together(threads);
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < threads; ++i) {
      callers.emplace_back([&] {
        together.arrive_and_wait();
        for (int call = 0; call < calls; ++call) {
          budget.deposit();
          if (budget.withdraw()) ++retries;
        }
      });
    }
  }
  // Each deposit is followed by an attempt to withdraw, so the bucket never fills up and nothing overflows.
  CHECK(retries + budget.tokens() == RetryBudget::reserve + threads * calls * 0.25);
}

TEST_CASE("waits grow by the multiplier, up to the maximum") {
  const Backoff backoff({.retry_backoff = 100ms, .retry_backoff_maximum = 1s, .retry_jitter = 0});
  std::mt19937_64 random(1);
  CHECK(backoff.wait_before(1, random) == 100ms);
  CHECK(backoff.wait_before(2, random) == 200ms);
  CHECK(backoff.wait_before(4, random) == 800ms);
  CHECK(backoff.wait_before(5, random) == 1s);
  CHECK(backoff.wait_before(9, random) == 1s);
}

TEST_CASE("jitter shortens a wait by at most its share, and uses the whole range") {
  const Backoff backoff({.retry_backoff = 1s, .retry_backoff_maximum = 1s, .retry_jitter = 0.5});
  std::mt19937_64 random(1);
  std::vector<std::chrono::milliseconds> waits(1000);
  for (auto& wait : waits) wait = backoff.wait_before(1, random);
  const auto [shortest, longest] = std::minmax_element(waits.begin(), waits.end());
  CHECK(*shortest >= 500ms);
  CHECK(*shortest < 510ms);
  CHECK(*longest <= 1s);
  CHECK(*longest > 990ms);
}

TEST_CASE("the same seed gives the same waits") {
  const Backoff backoff(CallPolicy{});
  std::mt19937_64 one(7), other(7);
  for (int retry = 1; retry < 10; ++retry) CHECK(backoff.wait_before(retry, one) == backoff.wait_before(retry, other));
}
