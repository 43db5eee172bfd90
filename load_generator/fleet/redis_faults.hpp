// Injects faults into a private Redis. None waits for Redis, so the load goes on: kill -9 takes a few milliseconds, a
// restart does not wait until the new server listens, and FLUSHALL is one round trip.
// Errors: std::runtime_error if a fault cannot be injected.
#pragma once

#include "load_generator/scenario/faults.hpp"
#include "program/processes/redis_server.hpp"

namespace load {

// On the thread that made `redis` (see ChildProcess).
void inject(RedisFault fault, program::PrivateRedis& redis);

// Throws, quoting the server, if it has ended although no fault killed it.
void require_alive(const std::vector<PlannedRedisFault>& faults, program::PrivateRedis& redis);

}  // namespace load
