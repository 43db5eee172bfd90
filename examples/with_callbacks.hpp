// async_protect() makes one protected call whose operation ends by calling a handler. The permit travels inside that
// handler, so it is settled once, whatever ends the operation:
//   the handler is called     by its error code; operation_aborted (a cancellation) is ignored
//   the handler is destroyed  as ignored, by the permit's destructor (an io_context that ends with work left, say)
// The breaker must outlive the operation.
#pragma once

#include <asio.hpp>
#include <circuit_breaker/circuit_breaker.hpp>
#include <optional>
#include <utility>
#include <variant>

inline cb::Outcome outcome_of(const std::error_code& error) {
  if (error == asio::error::operation_aborted) return cb::Outcome::ignored;
  return error ? cb::Outcome::failure : cb::Outcome::success;
}

// `start(handler)` starts the operation, which calls `handler(error, result...)` once. `done` gets the same, with the
// Rejection before them: if there is one, nothing was started, and `error` is operation_not_permitted.
template <class Start, class Done>
void async_protect(cb::Breaker& breaker, Start start, Done done) {
  cb::Admission admission = breaker.acquire();
  if (const auto* rejection = std::get_if<cb::Rejection>(&admission)) {
    return done(std::optional(*rejection), std::make_error_code(std::errc::operation_not_permitted));
  }
  start([permit = std::move(std::get<cb::Permit>(admission)), done = std::move(done)](const std::error_code& error,
                                                                                      auto&&... results) mutable {
    permit.settle(outcome_of(error));
    done(std::optional<cb::Rejection>(), error, std::forward<decltype(results)>(results)...);
  });
}
