// protect() makes one protected call whose operation is a coroutine of Asio. The permit lives in the coroutine's frame:
// whatever ends the operation settles it once.
//   an answer, an exception  by the rules, as execute() does
//   cancellation             as ignored: the caller lost interest, which says nothing about the upstream
//   the frame is destroyed   as ignored, by the permit's destructor (an io_context that ends with work left, say)
// An operation's timeout is evidence: let it throw asio::error::timed_out, not operation_aborted.
// The breaker must outlive the operation.
#pragma once

#include <asio.hpp>
#include <circuit_breaker/circuit_breaker.hpp>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

inline cb::OutcomeRules failures_but_not_cancellations() {
  return cb::OutcomeRules{}
      .ignore_exception<asio::system_error>(
          [](const asio::system_error& error) { return error.code() == asio::error::operation_aborted; })
      .handle_exception<std::exception>();
}

// `start()` returns the operation, an asio::awaitable<T>.
template <class Start, class T = typename std::invoke_result_t<Start>::value_type>
asio::awaitable<std::variant<T, cb::Rejection>> protect(cb::Breaker& breaker, Start start,
                                                        cb::OutcomeRules rules = failures_but_not_cancellations()) {
  cb::Admission admission = breaker.acquire();
  if (const auto* rejection = std::get_if<cb::Rejection>(&admission)) co_return *rejection;
  cb::Permit& permit = std::get<cb::Permit>(admission);
  try {
    T result = co_await start();
    permit.settle(rules.of_result(result));
    co_return result;
  } catch (...) {
    permit.settle(rules.of_exception(std::current_exception()));
    throw;
  }
}
