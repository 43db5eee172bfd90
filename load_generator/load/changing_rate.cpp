#include "load_generator/load/changing_rate.hpp"

#include <algorithm>

namespace load {
namespace {

using Gap = ChangingRate::TimePoint::duration;

constexpr Gap idle = std::chrono::seconds(1);
constexpr Gap most_caught_up = std::chrono::seconds(1);
constexpr double longest_gap = 3600;  // seconds; the gap of a rate near zero would overflow

Gap gap_at(double rate) {
  if (rate <= 0) return Gap::zero();
  return std::chrono::duration_cast<Gap>(std::chrono::duration<double>(std::min(1 / rate, longest_gap)));
}

}  // namespace

int64_t ChangingRate::due(double rate, TimePoint now) {
  const Gap gap = gap_at(rate);
  if (gap != gap_) last_due_ = now;
  gap_ = gap;
  if (gap == Gap::zero()) return 0;
  last_due_ = std::max(last_due_, now - std::max(most_caught_up, gap));
  const int64_t calls = (now - last_due_) / gap;
  last_due_ += calls * gap;
  return calls;
}

ChangingRate::TimePoint ChangingRate::next(TimePoint now) const {
  return gap_ == Gap::zero() ? now + idle : last_due_ + gap_;
}

}  // namespace load
