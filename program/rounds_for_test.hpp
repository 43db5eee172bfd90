#pragma once

// How often a test repeats what is random, of `all` times in a release build: a sanitizer makes each round many times
// slower, so it gets an eighth of them, and at least one.
constexpr unsigned rounds(unsigned all) { return (all + LAB_ROUNDS_DIVISOR - 1) / LAB_ROUNDS_DIVISOR; }
