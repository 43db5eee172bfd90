// Circuit breakers that the processes of one host share through its memory, or those of a fleet through any store that
// can compare-and-set (cb::RecordStore). Link circuit_breaker::store.
#pragma once

#include <circuit_breaker/circuit_breaker.hpp>
#include <redis_breaker/fallback_breaker.hpp>
#include <redis_breaker/quorum_breaker.hpp>
#include <store_breaker/shm/shm_store.hpp>
#include <store_breaker/store_group.hpp>
