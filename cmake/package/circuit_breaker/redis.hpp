// Circuit breakers that the processes of a fleet share through Redis. Link circuit_breaker::redis.
#pragma once

#include <circuit_breaker/circuit_breaker.hpp>
#include <redis_breaker/fallback_breaker.hpp>
#include <redis_breaker/quorum_breaker.hpp>
#include <redis_breaker/redis/address.hpp>
#include <redis_breaker/redis/client.hpp>
#include <redis_breaker/redis_group.hpp>
