// For tests: a folder that is removed when the test ends, and files in it.
#pragma once

#include <fstream>
#include <string>

#include "program/processes/temporary_folder.hpp"

namespace load {

class ScratchFolder {
 public:
  std::string path(const std::string& name) const { return folder_.path() / name; }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }

 private:
  program::TemporaryFolder folder_;
};

}  // namespace load
