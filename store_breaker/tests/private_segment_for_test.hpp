// The name of a segment for one test, which removes it at the end.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "store_breaker/shm/segment.hpp"

namespace cb {

struct PrivateSegment {
  PrivateSegment() = default;
  ~PrivateSegment() {
    std::error_code ignored;
    std::filesystem::remove(Segment::path_of(name), ignored);
  }
  PrivateSegment(const PrivateSegment&) = delete;
  PrivateSegment& operator=(const PrivateSegment&) = delete;

  const std::string name = "test-" + std::to_string(getpid()) + "-" + std::to_string(next_number());

 private:
  static int next_number() {
    static std::atomic<int> number{0};
    return ++number;
  }
};

}  // namespace cb
