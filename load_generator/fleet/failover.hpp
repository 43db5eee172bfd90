// Injects faults into a Redis that Sentinels watch. None waits: kill -9 takes a few milliseconds, the rest is one to
// three round trips, and the failover itself takes the Sentinels some seconds.
// Call it on the thread that made `watched` (see ChildProcess). Errors: std::runtime_error if it cannot be done.
#pragma once

#include "load_generator/scenario/faults.hpp"
#include "program/processes/redis_sentinel_servers.hpp"

namespace load {

// The master's port, if all Sentinels name the same one; else 0.
int named_master(const program::PrivateSentinel& watched);

// kill_master or fail_over only.
void inject(RedisFault fault, program::PrivateSentinel& watched);

// Makes the server that is not the master its replica; a dead one is restarted for that, empty.
void follow_master(program::PrivateSentinel& watched);

}  // namespace load
