// What is done on purpose to a Redis that Sentinels watch. None of it waits: kill -9 takes a few milliseconds, the rest
// is a round trip or three, and the failover itself takes the Sentinels some seconds.
// On the thread that made `watched` (see ChildProcess). Errors: std::runtime_error where it cannot be done.
#pragma once

#include "load_generator/scenario/faults.hpp"
#include "program/processes/redis_sentinel_servers.hpp"

namespace load {

// The master's port, as all Sentinels say; 0 where they do not agree.
int named_master(const program::PrivateSentinel& watched);

// kill_master or fail_over, and nothing else.
void inject(RedisFault fault, program::PrivateSentinel& watched);

// The server that is not the master becomes its replica; where it is dead, it is started again so, and empty.
void follow_master(program::PrivateSentinel& watched);

}  // namespace load
