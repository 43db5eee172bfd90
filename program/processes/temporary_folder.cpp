#include "program/processes/temporary_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace program {

TemporaryFolder::TemporaryFolder() : path_(std::filesystem::temp_directory_path() / "circuit-breaker-lab-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace program
