#include "store_breaker/record.hpp"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>

#include "store_breaker/record_fields.hpp"

namespace cb {
namespace {

using nlohmann::ordered_json;
using std::chrono::microseconds;

constexpr size_t most_probes = 1000;
constexpr size_t most_reporters = 100;
constexpr size_t longest_text = 256;
constexpr int64_t most_failures = 999'999'999;
constexpr uint64_t largest_number = INT64_MAX;

// The name of the key in Redis, with its unit: seconds. All other times are microseconds.
bool is_in_seconds(const char* name) { return std::strcmp(name, "last_failure") == 0; }

// --- writing

ordered_json json_of(State state) { return to_text(state); }
ordered_json json_of(Mode mode) { return to_text(mode); }
ordered_json json_of(int number) { return number; }
ordered_json json_of(uint64_t number) { return number; }
ordered_json json_of(const std::string& text) { return text; }
ordered_json json_of(microseconds duration) { return duration.count(); }
ordered_json json_of(TimePoint at) { return at.time_since_epoch().count(); }

ordered_json json_of(const std::vector<Lease>& probes) {
  ordered_json list = ordered_json::array();
  for (const Lease& lease : probes) list.push_back({lease.probe, lease.deadline.time_since_epoch().count()});
  return list;
}

ordered_json json_of(const std::vector<Reporter>& reporters) {
  ordered_json list = ordered_json::array();
  for (const Reporter& each : reporters) list.push_back({each.instance, each.at.time_since_epoch().count()});
  return list;
}

size_t place_of(int64_t bucket) {
  constexpr int64_t buckets = SlidingWindow::buckets;
  return static_cast<size_t>((bucket % buckets + buckets) % buckets);
}

// The number of the newest bucket, then calls, failures and slow calls of each bucket, newest first.
ordered_json json_of(const SlidingWindow& window) {
  ordered_json list{window.newest};
  for (int64_t age = 0; age < SlidingWindow::buckets; ++age) {
    const CallCounts& counts = window.held[place_of(window.newest - age)];
    list.push_back({counts.calls, counts.failures, counts.slow});
  }
  while (list.size() > 1 && list.back() == ordered_json{0, 0, 0}) list.erase(list.size() - 1);
  return list;
}

class JsonWriter {
 public:
  template <class Field>
  void operator()(const char* name, const Field& field) {
    if (field == Field{} && !std::is_same_v<Field, State>) return;
    object[name] = json_of(field);
  }
  void operator()(const char* name, const TimePoint& at) {
    if (at == TimePoint{}) return;
    if (is_in_seconds(name)) {
      object[name] = static_cast<double>(at.time_since_epoch().count()) / 1e6;
    } else {
      object[name] = json_of(at);
    }
  }

  ordered_json object = ordered_json::object();
};

// --- reading: false if the value is impossible

bool read(const ordered_json& value, uint64_t& number) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > largest_number) return false;
  number = value.get<uint64_t>();
  return true;
}

bool read(const ordered_json& value, int& number) {
  uint64_t read_number = 0;
  if (!read(value, read_number) || read_number > most_failures) return false;
  number = static_cast<int>(read_number);
  return true;
}

bool read(const ordered_json& value, microseconds& duration) {
  uint64_t number = 0;
  if (!read(value, number) || microseconds(number) > never.time_since_epoch()) return false;
  duration = microseconds(number);
  return true;
}

bool read(const ordered_json& value, TimePoint& at) {
  microseconds since_1970{0};
  if (!read(value, since_1970)) return false;
  at = TimePoint(since_1970);
  return true;
}

bool read_seconds(const ordered_json& value, TimePoint& at) {
  if (!value.is_number()) return false;
  const double count = std::round(value.get<double>() * 1e6);
  if (!(count >= 0 && count <= static_cast<double>(never.time_since_epoch().count()))) return false;
  at = TimePoint(microseconds(static_cast<int64_t>(count)));
  return true;
}

bool read(const ordered_json& value, std::string& text) {
  const auto* held = value.get_ptr<const std::string*>();
  if (held == nullptr || held->size() > longest_text) return false;
  for (const unsigned char letter : *held) {
    if (letter < 0x20 || letter == 0x7f) return false;
  }
  text = *held;
  return true;
}

bool read(const ordered_json& value, State& state) {
  const auto* held = value.get_ptr<const std::string*>();
  const auto known = held == nullptr ? std::nullopt : state_from(*held);
  state = known.value_or(State::closed);
  return known.has_value();
}

bool read(const ordered_json& value, Mode& mode) {
  const auto* held = value.get_ptr<const std::string*>();
  const auto known = held == nullptr ? std::nullopt : mode_from(*held);
  mode = known.value_or(Mode::automatic);
  return known && *known != Mode::reset;
}

bool is_list(const ordered_json& value, size_t length) { return value.is_array() && value.size() == length; }

bool read(const ordered_json& value, std::vector<Lease>& probes) {
  if (!value.is_array() || value.size() > most_probes) return false;
  for (const ordered_json& each : value) {
    Lease& lease = probes.emplace_back();
    if (!is_list(each, 2) || !read(each[0], lease.probe) || !read(each[1], lease.deadline)) return false;
  }
  return true;
}

bool read(const ordered_json& value, std::vector<Reporter>& reporters) {
  if (!value.is_array() || value.size() > most_reporters) return false;
  for (const ordered_json& each : value) {
    Reporter& reporter = reporters.emplace_back();
    if (!is_list(each, 2) || !read(each[0], reporter.instance) || !read(each[1], reporter.at)) return false;
  }
  return true;
}

bool read(const ordered_json& value, CallCounts& counts) {
  return is_list(value, 3) && read(value[0], counts.calls) && read(value[1], counts.failures) &&
         read(value[2], counts.slow) && counts.failures <= counts.calls && counts.slow <= counts.calls;
}

bool read(const ordered_json& value, SlidingWindow& window) {
  uint64_t newest = 0;
  if (!value.is_array() || value.empty() || value.size() > SlidingWindow::buckets + 1) return false;
  if (!read(value[0], newest) || newest > static_cast<uint64_t>(never.time_since_epoch().count())) return false;
  window.newest = static_cast<int64_t>(newest);
  for (size_t i = 1; i < value.size(); ++i) {
    if (!read(value[i], window.held[place_of(window.newest - static_cast<int64_t>(i - 1))])) return false;
  }
  return true;
}

std::string shortened(const std::string& text) {
  constexpr size_t longest = 64;
  return text.size() <= longest ? text : text.substr(0, longest - 3) + "...";
}

class JsonReader {
 public:
  explicit JsonReader(const ordered_json& object) : object_(object) {}

  void operator()(const char* name, auto& field) {
    const auto found = object_.find(name);
    if (found == object_.end() || !fault.empty() || read_field(name, *found, field)) return;
    fault =
        std::string(name) + " held " + shortened(found->dump(-1, ' ', true, ordered_json::error_handler_t::replace));
  }

  std::string fault;

 private:
  static bool read_field(const char*, const ordered_json& value, auto& field) { return read(value, field); }
  static bool read_field(const char* name, const ordered_json& value, TimePoint& at) {
    return is_in_seconds(name) ? read_seconds(value, at) : read(value, at);
  }

  const ordered_json& object_;
};

std::string quoted(std::string_view text) {
  std::string printable = shortened(std::string(text.substr(0, 100)));
  for (char& letter : printable) {
    if (letter < 0x20 || letter > 0x7e) letter = '?';
  }
  return "\"" + printable + "\"";
}

std::string fault_in(const Record& record) {
  if (record.version == 0) return "version is missing";
  if (record.snapshot.generation == 0) return "generation is missing";
  for (const uint64_t number : {record.snapshot.generation, record.epoch, record.lost}) {
    if (number > latest_generation) return "generation " + std::to_string(number) + " is too large";
  }
  return "";
}

}  // namespace

std::string to_text(const Record& record) {
  JsonWriter writer;
  for_each_field(record, writer);
  return writer.object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::variant<Record, std::string> record_from(std::string_view text) {
  if (text.size() > longest_record) return "the record has " + std::to_string(text.size()) + " bytes";
  const ordered_json object = ordered_json::parse(text, nullptr, false);
  if (!object.is_object()) return "the record held " + quoted(text);
  if (!object.contains("state")) return "state is missing";
  Record record;
  JsonReader reader(object);
  for_each_field(record, reader);
  if (reader.fault.empty()) reader.fault = fault_in(record);
  if (!reader.fault.empty()) return reader.fault;
  if (record.snapshot.mode == Mode::automatic) record.active_override = {};
  record.active_override.mode = record.snapshot.mode;
  return record;
}

}  // namespace cb
