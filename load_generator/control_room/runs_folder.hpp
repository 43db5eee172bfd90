// The folder of finished runs, as pages may read it: files with plain names, and nothing else on the disk.
// Thread-safe: every method.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "load_generator/control_room/request_error.hpp"

namespace load {

class RunsFolder {
 public:
  static constexpr size_t most_listed = 200;

  explicit RunsFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // The runs that a page can draw, without .json, sorted; of too many, the latest.
  std::vector<std::string> names();

  // How many of a run's expectations held; nothing if it cannot be drawn, or does not exist.
  struct Result {
    size_t held = 0;
    size_t expected = 0;
  };
  std::optional<Result> result(const std::string& name);

  // See run_document(). Throws RequestError.
  nlohmann::ordered_json document(const std::string& name) const;

  // Letters, digits, '.', '_' and '-', and no dot in front.
  static bool is_plain(std::string_view name);

 private:
  struct File {
    std::string name;
    std::filesystem::path path;
    std::filesystem::file_time_type written;
    uintmax_t size = 0;
  };
  struct Known {
    std::filesystem::file_time_type written;
    uintmax_t size = 0;
    std::optional<Result> result = std::nullopt;  // nothing: it cannot be drawn
  };

  std::vector<File> files() const;  // the latest first
  std::optional<Result> result_of(const File& file);

  const std::filesystem::path folder_;
  mutable std::mutex one_at_a_time_;  // reading a large one takes much memory
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // guarded by mutex_; a cache: reading all files takes long
};

}  // namespace load
