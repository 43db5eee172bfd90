#include "program/processes/descriptor_limit.hpp"

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

namespace program {
namespace {

void prlimit(pid_t process, const rlimit* limit, rlimit* before) {
  if (::prlimit(process, RLIMIT_NOFILE, limit, before) == 0) return;
  throw std::system_error(errno, std::generic_category(), "prlimit");
}

// The lowest that is free: all below it are in use.
rlim_t next_descriptor(pid_t process) {
  const std::filesystem::path all = "/proc/" + (process == 0 ? "self" : std::to_string(process)) + "/fd";
  rlim_t next = 0;
  while (std::filesystem::is_symlink(std::filesystem::symlink_status(all / std::to_string(next)))) ++next;
  return next;
}

}  // namespace

DescriptorLimit::DescriptorLimit(rlim_t spare, pid_t process) : process_(process) {
  prlimit(process_, nullptr, &before_);
  const rlimit limit{next_descriptor(process_) + spare, before_.rlim_max};
  prlimit(process_, &limit, nullptr);
}

DescriptorLimit::~DescriptorLimit() { ::prlimit(process_, RLIMIT_NOFILE, &before_, nullptr); }

}  // namespace program
