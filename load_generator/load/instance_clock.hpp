// An InstanceClock turns the dates of one instance's events into offsets from the start of a run. An instance reports
// when it wrote an answer, and how old each event was then: it happened that long before the answer came, or a little
// earlier, as an answer takes time. The quickest answer so far shows how the instance's clock and ours differ. Both are
// steady, so the difference is the same until the instance is restarted. Not thread-safe.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "load_generator/record/run_record.hpp"

namespace load {

class InstanceClock {
 public:
  static constexpr Offset slowest_answer = std::chrono::seconds(1);

  // An answer that was written at `at_epoch_ms` was received at `now`.
  void learn(int64_t at_epoch_ms, Offset now) {
    const Offset difference = now - std::chrono::milliseconds(at_epoch_ms);
    const bool is_another_clock = !difference_ || difference > *difference_ + slowest_answer;
    difference_ = is_another_clock ? difference : std::min(*difference_, difference);
  }

  // When an event happened that the instance dates `at_epoch_ms` in an answer received at `now`, when it was `age_ms`
  // old. Never later than now.
  Offset offset_of(int64_t at_epoch_ms, int64_t age_ms, Offset now) {
    learn(at_epoch_ms + age_ms, now);
    return *difference_ + std::chrono::milliseconds(at_epoch_ms);
  }

 private:
  std::optional<Offset> difference_;  // from the instance's clock to ours
};

}  // namespace load
