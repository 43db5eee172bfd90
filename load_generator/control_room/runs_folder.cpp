#include "load_generator/control_room/runs_folder.hpp"

#include <algorithm>
#include <stdexcept>

#include "load_generator/report/run_document.hpp"

namespace load {
namespace {

namespace fs = std::filesystem;

constexpr size_t longest_file_name = 128;
constexpr size_t most_looked_at = 1000;
constexpr uintmax_t largest_file = 16 * 1024 * 1024;  // to read one takes a hundred times its size in time and memory

bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         letter == '.' || letter == '_' || letter == '-';
}

RunsFolder::Result judged(const nlohmann::ordered_json& document) {
  RunsFolder::Result result;
  for (const auto& expectation : document["expectations"]) {
    ++result.expected;
    if (expectation["held"].get<bool>()) ++result.held;
  }
  return result;
}

}  // namespace

bool RunsFolder::is_plain(std::string_view name) {
  return !name.empty() && name.size() <= longest_file_name && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), is_letter);
}

std::vector<std::string> RunsFolder::names() {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> names;
  for (const File& file : files()) {
    if (names.size() < most_listed && result_of(file)) names.push_back(file.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<RunsFolder::Result> RunsFolder::result(const std::string& name) {
  const fs::path path = folder_ / (name + ".json");
  std::error_code gone;
  if (!is_plain(name) || !fs::is_regular_file(path, gone)) return std::nullopt;
  const File file{name, path, fs::last_write_time(path, gone), fs::file_size(path, gone)};
  if (file.size > largest_file) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  return result_of(file);
}

nlohmann::ordered_json RunsFolder::document(const std::string& name) const {
  const fs::path path = folder_ / (name + ".json");
  std::error_code none;
  if (!is_plain(name) || !fs::is_regular_file(path, none)) throw RequestError(404, "there is no run of that name");
  if (fs::file_size(path, none) > largest_file) throw RequestError(413, "that run's file is larger than 16 MiB");
  const std::scoped_lock lock(one_at_a_time_);
  try {
    return run_document(path.string());
  } catch (const std::invalid_argument& error) {
    throw RequestError(404, error.what());
  }
}

std::vector<RunsFolder::File> RunsFolder::files() const {
  std::vector<File> files;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder_, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().stem().string();
    std::error_code gone;
    const bool fits = entry->path().extension() == ".json" && is_plain(name) && entry->is_regular_file(gone);
    if (!fits || entry->file_size(gone) > largest_file) continue;
    files.push_back({name, entry->path(), entry->last_write_time(gone), entry->file_size(gone)});
  }
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.written > b.written; });
  if (files.size() > most_looked_at) files.resize(most_looked_at);
  return files;
}

std::optional<RunsFolder::Result> RunsFolder::result_of(const File& file) {
  const auto found = known_.find(file.name);
  if (found != known_.end() && found->second.written == file.written && found->second.size == file.size) {
    return found->second.result;
  }
  std::optional<Result> result;
  try {
    result = judged(run_document(file.path.string()));
  } catch (const std::exception&) {
    // A file that cannot be drawn has no result.
  }
  if (known_.size() > most_looked_at) known_.clear();
  known_[file.name] = {file.written, file.size, result};
  return result;
}

}  // namespace load
