// A local cause is what this machine lacks, or forbids, when a system call fails. It says nothing about the other side.
#pragma once

#include <cerrno>
#include <string>

namespace program {

constexpr bool is_local_cause(int error_number) {
  switch (error_number) {
    case EMFILE:         // descriptors of this process
    case ENFILE:         // descriptors of this machine
    case ENOMEM:         // memory
    case ENOBUFS:        // memory for packets
    case EADDRNOTAVAIL:  // ports for outgoing connections
    case EAGAIN:         // ports again, or threads
    case EPERM:          // its firewall
    case EACCES:
      return true;
    default:
      return false;
  }
}

// "Too many open files (EMFILE)"
std::string errno_text(int error_number);

}  // namespace program
