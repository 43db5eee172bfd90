// A DescriptorLimit leaves a process without free descriptors for as long as this object lives: a real EMFILE, for
// tests. Not thread-safe. Throws std::system_error.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

namespace program {

// Clang's undefined-behaviour sanitizer needs a descriptor to check a virtual call, so nothing works there without one.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define LAB_NEEDS_A_DESCRIPTOR
#endif
#endif
#ifdef LAB_NEEDS_A_DESCRIPTOR
constexpr bool works_without_descriptors = false;
#else
constexpr bool works_without_descriptors = true;
#endif

class DescriptorLimit {
 public:
  // `spare`: how many descriptors it leaves, if none of those in use is closed. Process 0 is this one.
  explicit DescriptorLimit(rlim_t spare = 0, pid_t process = 0);
  ~DescriptorLimit();
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  const pid_t process_;
  rlimit before_{};
};

}  // namespace program
