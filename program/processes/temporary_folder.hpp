// A TemporaryFolder is a new, empty folder that is removed with its contents when this object ends.
#pragma once

#include <filesystem>
#include <string>

namespace program {

class TemporaryFolder {
 public:
  TemporaryFolder();  // throws std::system_error
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace program
