// For tests: the processes that a process has started, theirs too, as /proc tells. A process is known by its number and
// the moment of its start, so that another one that gets the number later is not taken for it.
#pragma once

#include <sys/types.h>

#include <vector>

namespace load {

struct ProcessId {
  pid_t pid = 0;
  unsigned long long started_at = 0;  // in clock ticks since the machine's start

  bool operator==(const ProcessId&) const = default;
};

// Without `ancestor` itself.
std::vector<ProcessId> descendants_of(pid_t ancestor);

// A process that has ended and is not yet reaped does not run.
bool runs(const ProcessId& process);

// SIGKILL to those that still run, and waits for their end, for at most ten seconds.
void end_all(const std::vector<ProcessId>& processes);

}  // namespace load
