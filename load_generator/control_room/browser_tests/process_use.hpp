// What processes use, as /proc tells. A process that has ended, or may not be looked at, uses nothing.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

namespace load {

// Proportional set size: a page that n processes share counts for each of them with an n-th.
double pss_mib(pid_t pid);
double rss_mib(pid_t pid);

// Of all its threads, so far.
std::chrono::duration<double> cpu_time(pid_t pid);

// Its arguments, with blanks between them.
std::string command_line(pid_t pid);

}  // namespace load
