#include "simple_breaker/policies/break_length.hpp"

#include <algorithm>
#include <cmath>

namespace cb {
namespace {

using std::chrono::microseconds;

// The minimal standard generator of Park and Miller (1988): its products fit into a double's 53 bits, so Lua can
// compute them too. Three rounds, because one maps neighbours to neighbours. 0 <= result < 1.
double random_share(uint64_t seed) {
  constexpr uint64_t modulus = 2'147'483'647;
  uint64_t x = seed % modulus;
  for (int round = 0; round < 3; ++round) x = x * 48271 % modulus;
  return static_cast<double>(x) / static_cast<double>(modulus);
}

microseconds scaled(microseconds length, double factor) {
  return microseconds(static_cast<int64_t>(std::floor(static_cast<double>(length.count()) * factor)));
}

}  // namespace

microseconds next_break(const Policy& policy, microseconds previous) {
  if (previous.count() == 0) return policy.recovery_timeout;
  const microseconds most = std::max(policy.recovery_timeout, policy.recovery_timeout_maximum);
  return std::min(most, scaled(previous, policy.recovery_timeout_multiplier));
}

microseconds jittered(microseconds length, const Policy& policy, uint64_t generation) {
  const microseconds less = scaled(length, policy.recovery_timeout_jitter * random_share(generation));
  return std::max(microseconds(1000), length - less);
}

}  // namespace cb
