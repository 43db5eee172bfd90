#include "load_generator/scenario/strict_json.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <stdexcept>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/record/text.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

constexpr size_t largest_file = 64 * 1024 * 1024;
constexpr size_t most_fields = 2000;  // of one object: each new one is compared with all before
constexpr size_t longest_quote = 60;
constexpr size_t longest_path = 200;
constexpr int deepest_quote = 5;

bool is_deeper_than(int levels, const json& value) {
  if (!value.is_structured()) return false;
  return levels == 0 ||
         std::any_of(value.begin(), value.end(), [&](const json& each) { return is_deeper_than(levels - 1, each); });
}

// Not for deep values: writing nested lists needs a stack as deep as they are.
std::string quoted(const json& value) {
  if (is_deeper_than(deepest_quote, value)) return "too deep";
  return printable(value.dump(-1, ' ', true, json::error_handler_t::replace), longest_quote);
}

// Throws at the first object with too many fields, before the rest is read.
class FieldCount {
 public:
  explicit FieldCount(const std::string& path) : path_(path) {}

  bool operator()(int /*depth*/, json::parse_event_t event, const json& /*value*/) {
    if (event == json::parse_event_t::object_start) counts_.push_back(0);
    if (event == json::parse_event_t::object_end) counts_.pop_back();
    if (event != json::parse_event_t::key || ++counts_.back() <= most_fields) return true;
    throw std::invalid_argument(path_ + ": an object in it has more than " + std::to_string(most_fields) + " fields");
  }

 private:
  const std::string& path_;
  std::vector<size_t> counts_;
};

std::string plain(double number) {
  return number == std::floor(number) && std::abs(number) < 1e15 ? std::to_string(static_cast<int64_t>(number))
                                                                 : std::to_string(number);
}

}  // namespace

json read_json_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::invalid_argument(path + ": cannot be read");
  std::string text;
  std::array<char, 65536> part;
  while (file.read(part.data(), part.size()), file.gcount() > 0) {
    text.append(part.data(), static_cast<size_t>(file.gcount()));
    if (text.size() > largest_file) throw std::invalid_argument(path + ": larger than 64 MiB");
  }
  try {
    return json::parse(text, FieldCount(path));
  } catch (const json::parse_error& error) {
    throw std::invalid_argument(path + ": not valid JSON; the error is near byte " + std::to_string(error.byte));
  } catch (const json::out_of_range&) {
    throw std::invalid_argument(path + ": a number in it is too large");
  }
}

StrictObject::StrictObject(const json& object, std::string file, std::string path)
    : object_(object), file_(std::move(file)), path_(std::move(path)) {
  if (!object_.is_object()) {
    throw std::invalid_argument(file_ + ": " + (path_.empty() ? "the document" : path_) + " must be an object");
  }
}

std::string StrictObject::text(const std::string& field, size_t longest) {
  const json& value = take(field);
  if (!value.is_string() || value.get_ref<const std::string&>().empty() ||
      value.get_ref<const std::string&>().size() > longest) {
    complain(field, "a text of 1 to " + std::to_string(longest) + " bytes");
  }
  return printable(value.get<std::string>(), longest);
}

std::string StrictObject::any_text(const std::string& field, size_t longest) {
  const json& value = take(field);
  const bool fits = value.is_string() && value.get_ref<const std::string&>().size() <= longest;
  if (!fits) complain(field, "a text of at most " + std::to_string(longest) + " bytes");
  return value.get<std::string>();
}

std::string StrictObject::one_of(const std::string& field, const std::vector<std::string>& words) {
  const json& value = take(field);
  std::string word = value.is_string() ? value.get<std::string>() : "";
  const bool known = value.is_string() && std::find(words.begin(), words.end(), word) != words.end();
  if (!known) complain(field, "one of " + joined(words));
  return word;
}

double StrictObject::number(const std::string& field, Between<double> range) {
  const json& value = take(field);
  const double number = value.is_number() ? value.get<double>() : std::nan("");
  if (number >= range.lowest && number <= range.highest) return number;
  complain(field, "a number from " + plain(range.lowest) + " to " + plain(range.highest));
}

int64_t StrictObject::integer(const std::string& field, Between<int64_t> range) {
  const json& value = take(field);
  const bool fits = value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() <= INT64_MAX);
  if (fits && value.get<int64_t>() >= range.lowest && value.get<int64_t>() <= range.highest)
    return value.get<int64_t>();
  complain(field, "a whole number from " + std::to_string(range.lowest) + " to " + std::to_string(range.highest));
}

bool StrictObject::boolean(const std::string& field) {
  const json& value = take(field);
  if (!value.is_boolean()) complain(field, "true or false");
  return value.get<bool>();
}

StrictObject StrictObject::object(const std::string& field) { return {take(field), file_, path_of(field)}; }

std::vector<StrictObject> StrictObject::list(const std::string& field, size_t longest) {
  const json& value = take(field);
  if (!value.is_array() || value.size() > longest) complain(field, "a list of at most " + std::to_string(longest));
  std::vector<StrictObject> objects;
  objects.reserve(value.size());
  for (size_t i = 0; i < value.size(); ++i) {
    objects.emplace_back(value[i], file_, path_of(field) + "[" + std::to_string(i) + "]");
  }
  return objects;
}

std::vector<std::string> StrictObject::texts(const std::string& field, size_t longest_list, size_t longest_text) {
  const json& value = take(field);
  const auto fits = [&](const json& each) {
    return each.is_string() && each.get_ref<const std::string&>().size() <= longest_text;
  };
  if (!value.is_array() || value.size() > longest_list || !std::all_of(value.begin(), value.end(), fits)) {
    complain(field, "a list of at most " + std::to_string(longest_list) + " texts of at most " +
                        std::to_string(longest_text) + " bytes");
  }
  return value.get<std::vector<std::string>>();
}

std::vector<uint64_t> StrictObject::counts(const std::string& field, size_t longest) {
  const json& value = take(field);
  const auto fits = [](const json& each) { return each.is_number_unsigned(); };
  if (!value.is_array() || value.size() > longest || !std::all_of(value.begin(), value.end(), fits)) {
    complain(field, "a list of at most " + std::to_string(longest) + " whole numbers, 0 or more");
  }
  return value.get<std::vector<uint64_t>>();
}

std::vector<std::string> StrictObject::fields() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : object_.items()) names.push_back(name);
  return names;
}

void StrictObject::done() const {
  for (const std::string& name : fields()) {
    if (taken_.contains(name)) continue;
    throw std::invalid_argument(file_ + ": " + printable(path_of(name), longest_quote) + " is not a known field");
  }
}

void StrictObject::complain(const std::string& field, const std::string& rule) const {
  const auto found = object_.find(field);
  const std::string present = found == object_.end() ? "missing" : quoted(*found);
  throw std::invalid_argument(file_ + ": " + printable(path_of(field), longest_path) + " is " + present +
                              "; it must be " + rule);
}

const json& StrictObject::take(const std::string& field) {
  static const json missing;
  taken_.insert(field);
  const auto found = object_.find(field);
  return found == object_.end() ? missing : *found;
}

std::string StrictObject::path_of(const std::string& field) const {
  return path_.empty() ? field : path_ + "." + field;
}

}  // namespace load
