// How long a break lasts: recovery_timeout at first, longer after each probe that failed, and shortened at random so
// that breakers which opened together do not come back together. Pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "simple_breaker/policy.hpp"

namespace cb {

// `previous`: the break before this one, of a circuit that has not closed since; 0: there was none.
std::chrono::microseconds next_break(const Policy& policy, std::chrono::microseconds previous);

// `length` without a random part of up to `policy.recovery_timeout_jitter`; at least a millisecond. The stay's
// generation is the seed: nobody can know it beforehand, and whoever knows it computes the same break, in C++ and Lua.
std::chrono::microseconds jittered(std::chrono::microseconds length, const Policy& policy, uint64_t generation);

}  // namespace cb
