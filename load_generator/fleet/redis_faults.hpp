// What is done to a private Redis on purpose. None of it waits for Redis, so the load goes on: kill -9 takes a few
// milliseconds, a new server is started and not waited for, and FLUSHALL is one round trip.
// Errors: std::runtime_error where it cannot be done.
#pragma once

#include "load_generator/scenario/faults.hpp"
#include "program/processes/redis_server.hpp"

namespace load {

// On the thread that made `redis` (see ChildProcess).
void inject(RedisFault fault, program::PrivateRedis& redis);

// Throws, quoting the server, where it has ended although nobody killed it.
void require_alive(const std::vector<PlannedRedisFault>& faults, program::PrivateRedis& redis);

}  // namespace load
