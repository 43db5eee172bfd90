// How long a break lasts: recovery_timeout at first, longer after each failed probe, and shortened at random so that
// breakers which opened together do not probe together. Pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "simple_breaker/policy.hpp"

namespace cb {

// `previous`: the length of the break before this one; 0: the circuit has closed since, or never opened.
std::chrono::microseconds next_break(const Policy& policy, std::chrono::microseconds previous);

// `length` minus a random part of up to `policy.recovery_timeout_jitter`; at least a millisecond. The generation is the
// seed: it is not known beforehand, and C++ and Lua compute the same break from it.
std::chrono::microseconds jittered(std::chrono::microseconds length, const Policy& policy, uint64_t generation);

}  // namespace cb
