// A circuit breaker in memory, and execute(), which makes one call through it. Link circuit_breaker::simple.
#pragma once

#include <circuit_breaker/version.hpp>
#include <simple_breaker/circuit_breaker.hpp>
#include <simple_breaker/execute.hpp>
