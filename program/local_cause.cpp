#include "program/local_cause.hpp"

#include <cstring>

namespace program {

std::string errno_text(int error_number) {
  const char* const name = strerrorname_np(error_number);
  if (name == nullptr) return "errno " + std::to_string(error_number);
  return std::string(strerrordesc_np(error_number)) + " (" + name + ")";
}

}  // namespace program
