#include "load_generator/written_file.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace load {

void write_file(const std::string& path, const std::string& content) {
  std::error_code ignored;  // the line below says it better
  if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty()) {
    std::filesystem::create_directories(folder, ignored);
  }
  std::ofstream file(path, std::ios::binary);
  file << content;
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

}  // namespace load
