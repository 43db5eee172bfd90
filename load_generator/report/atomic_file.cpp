#include "load_generator/report/atomic_file.hpp"

#include <unistd.h>

#include <atomic>
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

// A link, a device or a pipe is written to: a file in its place would take it away from its other users.
bool may_be_replaced(const std::string& path) {
  std::error_code ignored;
  const auto type = std::filesystem::symlink_status(path, ignored).type();
  return type == std::filesystem::file_type::regular || type == std::filesystem::file_type::not_found;
}

// Unique, even if another thread or program writes the same file at this moment.
std::string beside_name(const std::string& path) {
  static std::atomic<unsigned> count{0};
  return path + "." + std::to_string(getpid()) + "." + std::to_string(++count) + ".tmp";
}

bool is_written_beside(const std::string& path, const std::string& content) {
  namespace fs = std::filesystem;
  const std::string beside = beside_name(path);
  std::error_code failed;
  std::error_code ignored;
  const bool written = is_written(beside, content);
  if (written) fs::rename(beside, path, failed);
  if (written && !failed) return true;
  fs::remove(beside, ignored);
  return false;
}

}  // namespace

void write_file(const std::string& path, const std::string& content) {
  namespace fs = std::filesystem;
  std::error_code ignored;  // the exception below has the better message
  if (const auto folder = fs::path(path).parent_path(); !folder.empty()) fs::create_directories(folder, ignored);
  const bool written = may_be_replaced(path) ? is_written_beside(path, content) : is_written(path, content);
  if (!written) throw std::runtime_error(path + ": cannot be written");
}

}  // namespace load
