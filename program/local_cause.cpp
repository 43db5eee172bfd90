#include "program/local_cause.hpp"

#include <cstring>
#include <system_error>

namespace program {

std::string errno_text(int error_number) {
  const char* name = strerrorname_np(error_number);
  const std::string unknown = "errno " + std::to_string(error_number);
  return std::generic_category().message(error_number) + " (" + (name != nullptr ? name : unknown) + ")";
}

}  // namespace program
