// What stands around a call besides a breaker: deadline, retry, bulkhead, fallback. Link circuit_breaker::resilience.
#pragma once

#include <circuit_breaker/circuit_breaker.hpp>
#include <distributed_breaker/resilience/guarded_call.hpp>
