// Mistakes that the compiler must find: each line marked `refused:` must cause an error with that text.
#include <functional>
#include <future>
#include <string>
#include <variant>

#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/execute.hpp"

struct Parcel {};

const auto starts_a_future = [] { return std::async([] { return 1; }); };
const auto packs_a_task = [] { return std::packaged_task<long()>([] { return 2L; }); };
const auto answers_int = [] { return 1; };
const auto answers_long = [] { return 1L; };
const auto answers_nothing = [] {};
const auto parcels = cb::OutcomeRules{}.handle_result<Parcel>([](const Parcel&) { return true; });
const auto no_parcels = cb::OutcomeRules{}.ignore_result<Parcel>([](const Parcel&) { return true; });

void results_that_are_not_there_yet(cb::Breaker& breaker) {
  (void)cb::execute(breaker, starts_a_future);  // refused: acquire() a permit
  (void)cb::execute(breaker, packs_a_task);     // refused: acquire() a permit
}

void rules_that_never_match(cb::Breaker& breaker) {
  (void)cb::execute(breaker, answers_int, parcels);      // refused: can never match
  (void)cb::execute(breaker, answers_long, no_parcels);  // refused: can never match
  (void)cb::execute(breaker, answers_nothing, parcels);  // refused: can never match
}

void dropped_answers(cb::Breaker& breaker, cb::CircuitBreaker& circuit_breaker) {
  breaker.acquire();                  // refused: nodiscard
  circuit_breaker.acquire();          // refused: nodiscard
  cb::execute(breaker, answers_int);  // refused: nodiscard
}
