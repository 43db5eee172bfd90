#include "simple_breaker/execute.hpp"

#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <coroutine>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using Inner = std::variant<int, Rejection>;

const auto every_result_is_a_failure = [](const auto&) { return Outcome::failure; };

// How a breaker counted a call; it has one failure before, which a success resets.
template <class Call, class... Judge>
Outcome outcome_of(const Call& call, const Judge&... judge) {
  CircuitBreaker breaker({.failure_threshold = 3});
  std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
  try {
    (void)execute(breaker, call, judge...);
  } catch (const std::exception&) {
  } catch (const Rejection&) {
  }
  const int failures = breaker.status().failures;
  if (failures == 1) return Outcome::ignored;
  return failures == 0 ? Outcome::success : Outcome::failure;
}

const auto returning = [](auto result) { return [result] { return result; }; };

struct Refused {
  bool really = true;
};
bool is_refusal(const Refused& refused) { return refused.really; }

// Breakers in a row, each inside the one before it, and a call inside the last one.
struct Nest {
  Nest() {
    std::get<Permit>(inner.acquire()).settle(Outcome::failure);  // open for an hour
    std::get<Permit>(outer.acquire()).settle(Outcome::failure);
    now += 1s;  // the next call of the outer breaker is its probe
  }
  TimePoint now{1000s};
  CircuitBreaker outer{{.failure_threshold = 1, .recovery_timeout = 1s}, {}, [this] { return now; }};
  CircuitBreaker middle{{.failure_threshold = 1}};
  CircuitBreaker inner{{.failure_threshold = 1, .recovery_timeout = 1h}, {}, [this] { return now; }};
  int calls = 0;

  auto call_inner() {
    return execute(inner, [this] { return ++calls; });
  }
  auto call_middle() {
    return execute(middle, [this] { return call_inner(); });
  }
};

}  // namespace

TEST_CASE("a breaker is neither closed nor opened by the rejection of a breaker inside it") {
  Nest nest;
  const auto is_error = [](int status) { return status >= 400; };
  const auto rules = OutcomeRules{}.handle_result<int>(is_error);
  const auto judge = [](const Inner&) { return Outcome::success; };
  const std::function<void()> ways[]{
      [&] { (void)execute(nest.outer, [&] { return nest.call_inner(); }); },
      [&] { (void)execute(nest.outer, [&] { return nest.call_middle(); }); },
      [&] {
        (void)execute(
            nest.outer, [&] { return nest.call_inner(); }, rules);
      },
      [&] {
        (void)execute(
            nest.outer, [&] { return nest.call_middle(); }, rules);
      },
      [&] {
        (void)execute(
            nest.outer, [&] { return nest.call_inner(); }, judge);
      },
      [&] { (void)execute(nest.outer, [&] { return std::optional(nest.call_middle()); }); },
      [&] { (void)execute(nest.outer, [&] { return nest.inner.acquire(); }); },
      [&] { (void)execute(nest.outer, [&] { return std::get<Rejection>(nest.call_inner()); }); },
      [&] { CHECK_THROWS_AS(execute(nest.outer, [&] { throw std::get<Rejection>(nest.call_inner()); }), Rejection); },
  };
  for (const auto& way : ways) {
    way();
    CHECK(nest.outer.status().state == State::half_open);
    CHECK(nest.middle.status().state == State::closed);
  }
  CHECK(nest.calls == 0);
  (void)execute(nest.outer, [] { return 200; });  // no slot was lost
  CHECK(nest.outer.status().state == State::closed);
}

TEST_CASE("a result that holds a rejection is ignored, whatever judges it") {
  using Deep = std::variant<std::string, std::optional<std::variant<std::monostate, Inner>>>;
  const auto ignored = [](const auto& refusal) {
    CHECK(outcome_of(returning(refusal)) == Outcome::ignored);
    CHECK(outcome_of(returning(refusal), OutcomeRules{}.handle_exception<int>()) == Outcome::ignored);
    CHECK(outcome_of(returning(refusal), every_result_is_a_failure) == Outcome::ignored);
    CHECK(outcome_of([&]() -> const auto& { return refusal; }) == Outcome::ignored);
  };
  ignored(Rejection{});
  ignored(Inner(Rejection{}));
  ignored(std::optional(Rejection{}));
  ignored(std::optional(Inner(Rejection{})));
  ignored(std::variant<Rejection, Rejection>());
  ignored(Deep(Inner(Rejection{})));
  ignored(Refused{});
  ignored(std::optional(Refused{}));
  const Inner refused = Rejection{};
  ignored(std::cref(refused));
  struct Own : Inner {
    using variant::variant;
  };
  ignored(Own(Rejection{}));
}

TEST_CASE("a result that could hold a rejection, but holds none, is judged as any other") {
  const auto judged = [](const auto& result) {
    CHECK(outcome_of(returning(result)) == Outcome::success);
    CHECK(outcome_of(returning(result), every_result_is_a_failure) == Outcome::failure);
  };
  judged(Inner(42));
  judged(std::optional<Rejection>());
  judged(std::optional<Inner>());
  judged(std::optional(Inner(42)));
  judged(Refused{false});
}

namespace {

// The outcome of a call that ends its thread.
template <class... Judge>
int failures_after(const std::function<void()>& end_of_thread, const Judge&... judge) {
  CircuitBreaker breaker({.failure_threshold = 100});
  std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
  std::thread caller([&] { (void)execute(breaker, end_of_thread, judge...); });
  caller.join();
  return breaker.status().failures;
}

void wait_to_be_cancelled() {
  pthread_cancel(pthread_self());
  pthread_testcancel();
}

}  // namespace

TEST_CASE("a thread that is cancelled during its call is ignored") {
  const auto rules = OutcomeRules{}.handle_exception<std::exception>();
  const auto only_ignoring = OutcomeRules{}.ignore_exception<int>();
  const auto judge = [](std::monostate) { return Outcome::failure; };
  for (const auto& end :
       {std::function<void()>(wait_to_be_cancelled), std::function<void()>([] { pthread_exit({}); })}) {
    CHECK(failures_after(end) == 1);
    CHECK(failures_after(end, rules) == 1);
    CHECK(failures_after(end, only_ignoring) == 1);
    CHECK(failures_after(end, judge) == 1);
  }
}

TEST_CASE("a thread that is cancelled during a probe gives its slot back") {
  Nest nest;
  std::thread([&] { (void)execute(nest.outer, wait_to_be_cancelled); }).join();
  CHECK(nest.outer.status().state == State::half_open);
  (void)execute(nest.outer, [] {});
  CHECK(nest.outer.status().state == State::closed);
}

TEST_CASE("a thrown rejection is ignored, even inside another exception") {
  const auto rules = OutcomeRules{}.handle_exception<std::exception>();
  const auto throws = [] { throw Rejection{}; };
  const auto throws_around = [] {
    try {
      throw Rejection{};
    } catch (...) {
      std::throw_with_nested(std::runtime_error("not shipped"));
    }
  };
  const auto judge = [](std::monostate) { return Outcome::failure; };
  CHECK(outcome_of(throws) == Outcome::ignored);
  CHECK(outcome_of(throws, rules) == Outcome::ignored);
  CHECK(outcome_of(throws, judge) == Outcome::ignored);
  CHECK(outcome_of(throws_around) == Outcome::ignored);
  CHECK(outcome_of(throws_around, rules) == Outcome::ignored);
}

TEST_CASE("a permit that is settled twice answers the breaker's present state") {
  CircuitBreaker breaker({.failure_threshold = 1});
  Permit slow = std::get<Permit>(breaker.acquire());
  Permit failed = std::get<Permit>(breaker.acquire());
  CHECK(failed.settle(Outcome::failure).state == State::open);
  for (const Outcome outcome : {Outcome::success, Outcome::failure, Outcome::ignored}) {
    CHECK(failed.settle(outcome).state == State::open);
    CHECK_FALSE(failed.settle(outcome).late);
  }
  Permit moved = std::move(slow);
  CHECK(slow.settle(Outcome::success).state == State::open);  // NOLINT(bugprone-use-after-move)
  CHECK(moved.settle(Outcome::success).late);                 // that was the first time
  CHECK(breaker.detailed_status().late_results == 1);
  CHECK(breaker.status().failures == 1);
}

TEST_CASE("a call may return a reference, and the caller gets that very object") {
  CircuitBreaker breaker(Policy{});
  std::mutex immovable;
  CHECK(&std::get<0>(execute(breaker, [&]() -> std::mutex& { return immovable; })).get() == &immovable);
  const std::unique_ptr<int> owner = std::make_unique<int>(42);
  CHECK(&std::get<0>(execute(breaker, [&]() -> const std::unique_ptr<int>& { return owner; })).get() == &owner);
  const std::string text = "text";
  const auto answer = execute(breaker, [&]() -> const std::string& { return text; });
  const std::string& same = std::get<0>(answer);
  CHECK(&same == &text);
  const auto longer = [](const auto& result) { return result.size() > 3 ? Outcome::failure : Outcome::success; };
  CHECK(outcome_of([&]() -> const std::string& { return text; }, longer) == Outcome::failure);
}

TEST_CASE("a call may return a move-only or a const result, or be noexcept") {
  CircuitBreaker breaker(Policy{});
  CHECK(*std::get<0>(execute(breaker, [] { return std::make_unique<int>(42); })) == 42);
  CHECK(*std::get<0>(execute(breaker, []() -> const std::unique_ptr<int> { return std::make_unique<int>(42); })) == 42);
  CHECK(std::get<0>(execute(breaker, []() noexcept { return 42; })) == 42);
  std::string text = "text";
  CHECK(std::get<0>(execute(breaker, [&]() -> std::string&& { return std::move(text); })) == "text");
  CHECK(std::string(std::get<0>(execute(breaker, [] { return "literal"; }))) == "literal");
}

namespace {

struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
};
struct MemberAwaitable {
  std::suspend_never operator co_await() const { return {}; }
};
struct FreeAwaitable {};
[[maybe_unused]] std::suspend_never operator co_await(FreeAwaitable) { return {}; }
struct ForeignFuture {
  void wait() const {}
  int get() { return 42; }
};

using detail::holds_pending;
static_assert(holds_pending<std::future<int>> && holds_pending<std::future<void>>);
static_assert(holds_pending<std::shared_future<int&>>);
static_assert(holds_pending<std::promise<int>> && holds_pending<std::packaged_task<int()>>);
static_assert(holds_pending<std::thread> && holds_pending<std::jthread>);
static_assert(holds_pending<Task> && holds_pending<std::suspend_always>);
static_assert(holds_pending<MemberAwaitable> && holds_pending<FreeAwaitable>);
static_assert(holds_pending<ForeignFuture>);
static_assert(holds_pending<std::optional<std::future<int>>> && holds_pending<std::vector<Task>>);
static_assert(holds_pending<std::variant<std::variant<std::future<int>, Rejection>, Rejection>>);
static_assert(holds_pending<std::unique_ptr<std::future<int>>> && holds_pending<std::pair<int, std::jthread>>);
static_assert(holds_pending<std::reference_wrapper<std::shared_future<int>>>);

struct Incomplete;
static_assert(!holds_pending<int> && !holds_pending<std::monostate> && !holds_pending<std::string>);
static_assert(!holds_pending<Inner> && !holds_pending<std::vector<std::optional<Inner>>> && !holds_pending<Admission>);
static_assert(!holds_pending<std::shared_ptr<void>> && !holds_pending<std::unique_ptr<Incomplete>>);
static_assert(!holds_pending<std::function<int()>> && !holds_pending<std::unique_ptr<int[]>>);

using detail::rules_can_match;
static_assert(rules_can_match<int, RulesFor<int>> && rules_can_match<int, RulesFor<const int&>>);
static_assert(rules_can_match<std::variant<Inner, Rejection>, RulesFor<int>>);
static_assert(rules_can_match<std::variant<Inner, Rejection>, RulesFor<Inner>>);
static_assert(rules_can_match<std::optional<Inner>, RulesFor<int, Inner>>);
static_assert(rules_can_match<std::reference_wrapper<const std::string>, RulesFor<std::string>>);
static_assert(rules_can_match<std::monostate, RulesFor<>>);
static_assert(!rules_can_match<int, RulesFor<long>> && !rules_can_match<int, RulesFor<int, long>>);
static_assert(!rules_can_match<std::monostate, RulesFor<int>> && !rules_can_match<Inner, RulesFor<std::string>>);
static_assert(!rules_can_match<std::optional<int>, RulesFor<std::optional<long>>>);

}  // namespace
