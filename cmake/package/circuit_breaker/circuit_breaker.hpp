// A circuit breaker in memory, execute(), which makes one call through it, and what stands around a breaker. Link
// circuit_breaker::simple.
#pragma once

#include <circuit_breaker/version.hpp>
#include <simple_breaker/around/ramp.hpp>
#include <simple_breaker/around/rejected_call.hpp>
#include <simple_breaker/circuit_breaker.hpp>
#include <simple_breaker/execute.hpp>
