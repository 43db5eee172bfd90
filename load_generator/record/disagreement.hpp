// For how long instances have been in different states. Fed with changes as they happen, it needs no more memory than
// there are instances. An instance is in the state that was fed last; before its first, and while it does not answer
// (State::unknown), it is left out. Not thread-safe.
#pragma once

#include <optional>
#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

class Disagreement {
 public:
  explicit Disagreement(size_t targets) : states_(targets, State::unknown) {}

  void feed(Offset at, size_t target, State state);  // in order of time

  // Until `now`, which is no earlier than what was fed last.
  Offset total(Offset now) const { return over_ + present(now).value_or(Offset(0)); }

  // How long they have disagreed without a pause; nothing while they agree.
  std::optional<Offset> present(Offset now) const;

 private:
  bool agree() const;

  std::vector<State> states_;    // by target
  Offset over_{0};               // all disagreements that are over
  std::optional<Offset> since_;  // when the present one began
};

// All of `lanes` (samples by target, each in order of time), from their beginning.
Disagreement disagreement_in(const std::vector<std::vector<Sample>>& lanes);

}  // namespace load
