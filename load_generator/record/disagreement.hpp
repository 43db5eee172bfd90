// A Disagreement measures for how long instances have been in different states. It is fed with changes as they happen,
// and its memory is in proportion to the number of instances. An instance is in the state that was fed last; before its
// first, and while it does not answer (State::unknown), it is left out. Not thread-safe.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

class Disagreement {
 public:
  explicit Disagreement(size_t targets) : states_(targets, State::unknown) {
    in_state_[static_cast<size_t>(State::unknown)] = targets;
  }

  void feed(Offset at, size_t target, State state);  // in order of time

  // Until `now`, which is not before the last change.
  Offset total(Offset now) const { return over_ + present(now).value_or(Offset(0)); }

  // For how long they have disagreed without interruption; nothing while they agree.
  std::optional<Offset> present(Offset now) const;

 private:
  bool agree() const;

  std::vector<State> states_;                         // by target
  std::array<size_t, all_states.size()> in_state_{};  // how many targets
  Offset over_{0};                                    // sum of the disagreements that have ended
  std::optional<Offset> since_;                       // when the present one began
};

// Fed with all of `lanes`: samples by target, each in order of time.
Disagreement disagreement_in(const std::vector<std::vector<Sample>>& lanes);

}  // namespace load
