#include "simple_breaker/breaker.hpp"

namespace cb {

std::string_view to_text(State state) {
  switch (state) {
    case State::closed:
      return "closed";
    case State::open:
      return "open";
    case State::half_open:
      return "half_open";
  }
  return "unknown";
}

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::success:
      return "success";
    case Outcome::failure:
      return "failure";
    case Outcome::ignored:
      return "ignored";
  }
  return "unknown";
}

std::optional<State> state_from(std::string_view text) {
  for (const State state : {State::closed, State::open, State::half_open}) {
    if (to_text(state) == text) return state;
  }
  return std::nullopt;
}

// Not in the header: every settle() would carry the code.
Settled Permit::present_state() const { return {breaker_->status().state, false}; }

}  // namespace cb
