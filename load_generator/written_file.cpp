#include "load_generator/written_file.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace load {
namespace {

bool is_written(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  return !file.fail();
}

}  // namespace

void write_file(const std::string& path, const std::string& content) {
  namespace fs = std::filesystem;
  std::error_code ignored;  // the line below says it better
  if (const auto folder = fs::path(path).parent_path(); !folder.empty()) fs::create_directories(folder, ignored);
  const std::string beside = path + ".tmp";
  std::error_code failed;
  const bool written = is_written(beside, content);
  if (written) fs::rename(beside, path, failed);
  if (written && !failed) return;
  fs::remove(beside, ignored);
  throw std::runtime_error(path + ": cannot be written");
}

}  // namespace load
