// Exactness under concurrency: 3 processes with 8 threads each share one breaker in one Redis. The test counts events
// in shared memory, independently of the breaker.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/redis_group.hpp"
#include "redis_breaker/tests/forked_workers_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr auto poll_interval = 50us;  // between two looks: 24 busy threads would slow each other down
constexpr auto patience = 20s;        // a bound on what should take milliseconds

// A barrier for all workers, reusable.
struct Gate {
  std::atomic<int> arrived{0};
  void pass() {
    const int round = arrived++ / workers;
    while (arrived < (round + 1) * workers) std::this_thread::sleep_for(poll_interval);
  }
};

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(poll_interval);
  }
  return true;
}

// Runs `work` on every thread of every process; each process has its own breaker on the same Redis.
void run_fleet(const TestRedis& server, const std::string& name, const Policy& policy,
               const std::function<void(const Transition&)>& on_change,
               const std::function<void(Breaker&, int)>& work) {
  const auto codes = exit_codes_of([&](int process) {
    redis::Client client(redis::parse_url(server.server.url()), patience);
    FallbackBreaker breaker(redis_group(client, policy, on_change ? on_transition(on_change) : Listener{}), {name});
    on_all_threads([&](int thread) { work(breaker, process * threads + thread); });
    return 0;
  });
  for (const int code : codes) CHECK(code == 0);
}

}  // namespace

// Calls in flight at the trip: one per thread, except for the thread that tripped it. Admitted within the push's delay:
// one more per thread of the other processes, since the reply to its failure reports that the circuit is open.
TEST_CASE(
    "a dead upstream gets exactly the threshold, the calls in flight, and those admitted within the push's delay") {
  struct Counts {
    Gate gate;
    std::atomic<int> upstream_failures{0}, late{0}, opened{0}, admitted_after_the_trip{0};
    std::atomic<int> tripped_by{-1};
  };
  constexpr int threshold = 5;
  TestRedis redis;
  for (int outage = 0; outage < 20; ++outage) {
    const Shared<Counts> counts;
    const std::string name = "outage-" + std::to_string(outage);
    run_fleet(
        redis, name, {.failure_threshold = threshold, .recovery_timeout = 10min},
        [&](const Transition& transition) { counts->opened += transition.to == State::open ? 1 : 0; },
        [&](Breaker& breaker, int worker) {
          const int process = worker / threads;
          counts->gate.pass();
          for (int i = 0; i < 20; ++i) {
            const bool tripped_before = counts->tripped_by == process;
            Admission admission = breaker.acquire();
            auto* permit = std::get_if<Permit>(&admission);
            if (permit == nullptr) continue;
            counts->admitted_after_the_trip += tripped_before ? 1 : 0;
            ++counts->upstream_failures;
            const Settled settled = permit->settle(Outcome::failure);
            counts->late += settled.late ? 1 : 0;
            int none = -1;
            const bool trips = settled.state == State::open && !settled.late;
            if (trips) counts->tripped_by.compare_exchange_strong(none, process);
          }
        });
    CHECK(counts->opened == 1);
    CHECK(counts->upstream_failures - counts->late == threshold);
    CHECK(counts->late <= workers - 1 + workers - threads);
    CHECK(counts->admitted_after_the_trip == 0);
    CHECK(redis.cli({"GET", "cb:" + name + ":failures"}) == std::to_string(threshold));
  }
}

TEST_CASE("no failure of any process is lost") {
  constexpr int each = 100;
  struct Counts {
    Gate gate;
  };
  TestRedis redis;
  const Shared<Counts> counts;
  run_fleet(redis, "sum", {.failure_threshold = workers * each + 1}, {}, [&](Breaker& breaker, int) {
    counts->gate.pass();
    for (int i = 0; i < each; ++i) std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
  });
  CHECK(redis.cli({"GET", "cb:sum:failures"}) == std::to_string(workers * each));
}

TEST_CASE("exactly the permitted number of probes is sent in every half-open period") {
  constexpr int periods = 30;
  struct HalfOpen {
    std::atomic<uint64_t> generation{0};
    std::atomic<int> probes{0};
  };
  struct Counts {
    Gate gate;
    std::array<HalfOpen, 1000> half_opens;
    std::atomic<int> begun{0}, gave_up{0};

    HalfOpen& half_open(uint64_t generation) {
      for (HalfOpen& half_open : half_opens) {
        uint64_t none = 0;
        if (half_open.generation.compare_exchange_strong(none, generation)) ++begun;
        if (half_open.generation == generation) return half_open;
      }
      _exit(1);
    }
  };
  for (const int permitted : {1, 3}) {
    CAPTURE(permitted);
    TestRedis redis;
    const Shared<Counts> counts;
    run_fleet(redis, "probed",
              {.failure_threshold = 1,
               .recovery_timeout = 5ms,
               .permitted_calls_in_half_open = permitted,
               .probe_timeout = 10min},
              {}, [&](Breaker& breaker, int) {
                counts->gate.pass();
                while (counts->begun < periods) {
                  Admission admission = breaker.acquire();
                  auto* permit = std::get_if<Permit>(&admission);
                  if (permit == nullptr) {
                    std::this_thread::sleep_for(poll_interval);
                    continue;
                  }
                  if (!permit->is_probe()) {
                    permit->settle(Outcome::failure);
                    continue;
                  }
                  // Hold the probe until all permitted ones are in flight: an extra one would be counted here.
                  HalfOpen& half_open = counts->half_open(permit->id().generation);
                  ++half_open.probes;
                  const auto all_in_flight = [&] { return half_open.probes >= permitted || counts->begun >= periods; };
                  if (!eventually(all_in_flight)) ++counts->gave_up;
                  permit->settle(Outcome::failure);
                }
              });
    CHECK(counts->gave_up == 0);
    CHECK(counts->begun >= periods);
    for (int i = 0; i < periods - 1; ++i) CHECK(counts->half_opens[static_cast<size_t>(i)].probes == permitted);
  }
}

// A success that ends before its instance receives the push is dropped without being counted as late.
TEST_CASE("no late result changes anything, in open or in half-open") {
  struct Counts {
    Gate gate;
    std::atomic<int> late{0}, not_late{0}, before_the_push{0}, transitions{0}, not_rejected{0};
    std::atomic<uint64_t> generation{0};
  };
  TestRedis redis;
  const Shared<Counts> counts;
  run_fleet(
      redis, "late", {.failure_threshold = 1, .recovery_timeout = 100ms, .probe_timeout = 10min},
      [&](const Transition&) { ++counts->transitions; },
      [&](Breaker& breaker, int worker) {
        Permit first = std::get<Permit>(breaker.acquire());
        Permit second = std::get<Permit>(breaker.acquire());
        const Outcome outcome = worker % 2 == 0 ? Outcome::success : Outcome::failure;
        counts->gate.pass();
        if (worker == 0) first.settle(Outcome::failure);
        counts->gate.pass();
        auto& unnoticed = outcome == Outcome::success ? counts->before_the_push : counts->not_late;
        if (worker != 0) ++(first.settle(outcome).late ? counts->late : unnoticed);
        counts->gate.pass();
        std::unique_ptr<Permit> probe;
        if (worker == 0) {
          eventually([&] { return breaker.status().retry_after == 0ms; });
          probe = std::make_unique<Permit>(std::get<Permit>(breaker.acquire()));
          counts->generation = probe->id().generation;
        }
        counts->gate.pass();
        ++(second.settle(outcome).late ? counts->late : counts->not_late);
        counts->not_rejected += std::holds_alternative<Permit>(breaker.acquire()) ? 1 : 0;
        counts->gate.pass();
        if (worker == 0) probe->settle(Outcome::success);
      });
  CHECK(counts->late + counts->before_the_push == 2 * workers - 1);
  CHECK(counts->not_late == 0);
  CHECK(counts->not_rejected == 0);
  CHECK(counts->transitions == 3);
  CHECK(redis.cli({"GET", "cb:late:state"}) == "closed");
}

TEST_CASE("each transition is reported once in the whole fleet, and together they form one chain") {
  struct Reported {
    uint64_t generation = 0;
    State from = State::closed, to = State::closed;
  };
  struct Counts {
    Gate gate;
    std::array<Reported, 20000> reported;
    std::atomic<size_t> transitions{0};
  };
  TestRedis redis;
  const Shared<Counts> counts;
  run_fleet(
      redis, "chain",
      {.failure_threshold = 2, .recovery_timeout = 1ms, .permitted_calls_in_half_open = 2, .probe_timeout = 100ms},
      [&](const Transition& transition) {
        counts->reported.at(counts->transitions++) = {transition.generation, transition.from, transition.to};
      },
      [&](Breaker& breaker, int worker) {
        auto dice = static_cast<unsigned>(worker) * 7919 + 1;
        counts->gate.pass();
        const auto end = std::chrono::steady_clock::now() + 2s;
        while (counts->transitions < 2000 && std::chrono::steady_clock::now() < end) {
          dice = dice * 1664525 + 1013904223;
          Admission admission = breaker.acquire();
          const unsigned roll = (dice >> 24) % 8;
          const Outcome outcome = roll == 0 ? Outcome::success : roll == 1 ? Outcome::ignored : Outcome::failure;
          if (auto* permit = std::get_if<Permit>(&admission)) {
            permit->settle(outcome);
          } else {
            std::this_thread::sleep_for(poll_interval);
          }
        }
      });
  const auto end = counts->reported.begin() + static_cast<long>(counts->transitions);
  std::sort(counts->reported.begin(), end,
            [](const Reported& a, const Reported& b) { return a.generation < b.generation; });
  CHECK(counts->transitions > 10);
  CHECK(counts->reported[0].from == State::closed);
  for (auto transition = counts->reported.begin() + 1; transition < end; ++transition) {
    CHECK(transition->generation > (transition - 1)->generation);
    CHECK(transition->from == (transition - 1)->to);
  }
  CHECK(redis.cli({"HGET", "cb:chain:breaker", "generation"}) == std::to_string((end - 1)->generation));
}

TEST_CASE("no failure overtakes the successes that its caller saw before it, whichever thread reports them") {
  TestRedis server;
  const Policy policy{.failure_threshold = 3, .failure_rate_threshold = 1, .minimum_number_of_calls = 1'000'000};
  FallbackBreaker breaker(redis_group(server.client, policy), {"x"});
  std::atomic<bool> over = false;
  // They report the counted successes, as the synchronizer does ten times a second.
  std::vector<std::jthread> reporters;
  for (int i = 0; i < 3; ++i) {
    reporters.emplace_back([&] {
      while (!over) {
        breaker.status();
        std::this_thread::sleep_for(poll_interval);  // or the failures below would seldom get their turn
      }
    });
  }
  // A success before every two failures: never three failures in a row. An idle machine does all rounds in two seconds.
  const auto end = std::chrono::steady_clock::now() + 5s;
  int rounds = 0;
  for (; rounds < 3000 && (rounds < 100 || std::chrono::steady_clock::now() < end); ++rounds) {
    for (const Outcome outcome : {Outcome::success, Outcome::failure, Outcome::failure}) {
      Admission admission = breaker.acquire();
      if (auto* permit = std::get_if<Permit>(&admission)) permit->settle(outcome);
    }
  }
  over = true;
  reporters.clear();
  CHECK(breaker.status().state == State::closed);
}
