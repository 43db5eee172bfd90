// Reads files that people write or edit by hand: every field must be known, of the right type and in range. The first
// fault becomes a std::invalid_argument that names file and field: "outage.json: load.rate is "fast"; it must be a
// number". Fields keep the file's order.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace load {

// The file's JSON document. Files of more than 64 MiB, or with an object of more than 2000 fields, are refused.
nlohmann::ordered_json read_json_file(const std::string& path);

template <typename Number>
struct Between {
  Number lowest;
  Number highest;
};

// One JSON object. The caller takes its fields one after the other; done() complains about the rest.
class StrictObject {
 public:
  // File and path name the object in complaints. Throws if it is not an object.
  StrictObject(const nlohmann::ordered_json& object, std::string file, std::string path = "");

  bool has(const std::string& field) const { return object_.contains(field); }
  bool is_text(const std::string& field) const { return has(field) && object_.at(field).is_string(); }
  std::string text(const std::string& field, size_t longest);
  std::string any_text(const std::string& field, size_t longest);  // unchanged; may be empty
  std::string one_of(const std::string& field, const std::vector<std::string>& words);
  double number(const std::string& field, Between<double> range);
  int64_t integer(const std::string& field, Between<int64_t> range);
  bool boolean(const std::string& field);
  StrictObject object(const std::string& field);
  std::vector<StrictObject> list(const std::string& field, size_t longest);  // of objects
  std::vector<std::string> texts(const std::string& field, size_t longest_list, size_t longest_text);
  std::vector<uint64_t> counts(const std::string& field, size_t longest);
  std::vector<std::string> fields() const;
  void done() const;

  [[noreturn]] void complain(const std::string& field, const std::string& rule) const;

 private:
  const nlohmann::ordered_json& take(const std::string& field);
  std::string path_of(const std::string& field) const;

  const nlohmann::ordered_json& object_;
  const std::string file_;
  const std::string path_;
  std::set<std::string> taken_;
};

}  // namespace load
