// No permit is lost, wherever an asynchronous operation is cancelled. The breakers here are half-open: each permit is a
// probe's, and one that is lost would hold its slot for an hour.
#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "examples/with_callbacks.hpp"
#include "examples/with_coroutines.hpp"

namespace {

using namespace std::chrono_literals;
constexpr int operations = 1000;

class HalfOpenBreaker {
 public:
  explicit HalfOpenBreaker(int slots) : slots_(slots), breaker_(policy(slots), {}, [this] { return now_; }) {
    std::get<cb::Permit>(breaker_.acquire()).settle(cb::Outcome::failure);
    now_ += 10s;
  }

  cb::Breaker& get() { return breaker_; }

  // True if every slot can be taken.
  bool has_all_slots() {
    std::vector<cb::Admission> taken;
    for (int i = 0; i < slots_; ++i) taken.push_back(breaker_.acquire());
    return std::all_of(taken.begin(), taken.end(),
                       [](const auto& admission) { return std::holds_alternative<cb::Permit>(admission); });
  }

 private:
  static cb::Policy policy(int slots) {
    return {.failure_threshold = 1,
            .permitted_calls_in_half_open = slots,
            .success_threshold = 1'000'000,
            .probe_timeout = std::chrono::hours(1)};
  }

  const int slots_;
  cb::TimePoint now_{1h};
  cb::CircuitBreaker breaker_;
};

using Random = std::mt19937;
int below(Random& random, int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random); }

// Waits at several points, at the last one for an hour if it `hangs`.
asio::awaitable<int> operation(int steps, bool hangs) {
  for (int i = 0; i < steps; ++i) co_await asio::post(asio::use_awaitable);
  asio::steady_timer timer(co_await asio::this_coro::executor, hangs ? 1h : 0h);
  co_await timer.async_wait(asio::use_awaitable);
  co_return 200;
}

asio::awaitable<void> protected_operation(cb::Breaker& breaker, int steps, bool hangs, int& admitted) {
  const auto answer = co_await protect(breaker, [&] {
    ++admitted;
    return operation(steps, hangs);
  });
  CHECK(std::holds_alternative<int>(answer));
}

}  // namespace

TEST_CASE("1,000 coroutines that are cancelled or destroyed at any of their await points lose no permit") {
  Random random(1);
  HalfOpenBreaker breaker(1);
  int admitted = 0, started = 0;
  for (int i = 0; i < operations; ++i) {
    asio::io_context context;
    asio::cancellation_signal cancel;
    const int steps = below(random, 5);
    asio::co_spawn(context, protected_operation(breaker.get(), steps, true, admitted),
                   asio::bind_cancellation_slot(cancel.slot(), asio::detached));
    const int handlers = below(random, steps + 3);
    for (int k = 0; k < handlers; ++k) context.poll_one();
    if (handlers > 0) ++started;
    const bool is_destroyed = below(random, 4) == 0;
    if (is_destroyed) continue;
    cancel.emit(asio::cancellation_type::all);
    context.run();
  }
  CHECK(admitted >= started);
  CHECK(breaker.has_all_slots());
}

TEST_CASE("1,000 callbacks that are cancelled, destroyed or called lose no permit") {
  Random random(2);
  HalfOpenBreaker breaker(1);
  int ended = 0, destroyed = 0;
  for (int i = 0; i < operations; ++i) {
    asio::io_context context;
    asio::steady_timer timer(context, below(random, 2) == 0 ? 0h : 1h);
    async_protect(
        breaker.get(), [&timer](auto handler) { timer.async_wait(std::move(handler)); },
        [&ended](const auto& rejection, std::error_code) {
          CHECK(!rejection);
          ++ended;
        });
    if (below(random, 4) == 0) {
      ++destroyed;
      continue;
    }
    timer.cancel();
    context.run();
  }
  CHECK(ended + destroyed == operations);
  CHECK(breaker.has_all_slots());
}

TEST_CASE("1,000 coroutines on two threads, of which others cancel some, lose no permit") {
  struct Running {
    explicit Running(asio::thread_pool& pool) : strand(asio::make_strand(pool)) {}
    asio::strand<asio::thread_pool::executor_type> strand;
    asio::cancellation_signal cancel;
  };
  Random random(3);
  HalfOpenBreaker breaker(8);
  asio::thread_pool pool(2);
  std::deque<Running> all;
  for (int i = 0; i < operations; ++i) {
    Running& one = all.emplace_back(pool);
    const int steps = below(random, 5);
    const bool hangs = below(random, 2) == 0;
    asio::post(one.strand, [&one, &breaker, steps, hangs] {
      asio::co_spawn(one.strand, protect(breaker.get(), [=] { return operation(steps, hangs); }),
                     asio::bind_cancellation_slot(one.cancel.slot(), [](const std::exception_ptr&, const auto&) {}));
    });
    Running& other = all[static_cast<size_t>(below(random, i + 1))];
    asio::post(other.strand, [&other] { other.cancel.emit(asio::cancellation_type::all); });
  }
  for (Running& one : all) {
    asio::post(one.strand, [&one] { one.cancel.emit(asio::cancellation_type::all); });
  }
  pool.join();
  CHECK(breaker.has_all_slots());
}
