#include "load_generator/scenario/provenance.hpp"

#include <spdlog/fmt/chrono.h>
#include <sys/utsname.h>

#include <chrono>
#include <regex>
#include <thread>

#include "load_generator/api/instance_api.hpp"
#include "program/duration.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

constexpr size_t most_settings = 100;
constexpr size_t longest_provenance = 400;
constexpr size_t longest_plan = 1000;
constexpr Between<int64_t> fleet_sizes{1, 1'000'000};
constexpr Between<double> call_rates{0, 1e9};
constexpr Between<double> setting_values{-1e9, 1e9};

void add_setting(json& object, const std::string& name, const std::string& value) {
  const json number = json::parse(value, nullptr, false);
  if (const auto duration = program::parse_duration(value)) {
    object[name + "_ms"] = duration->count();
  } else if (number.is_number()) {
    object[name] = number;
  } else {
    object[name] = value;
  }
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

// 6.1 of 6.1.0-13-amd64
std::string major_and_minor(const std::string& release) {
  const size_t dot = release.find('.');
  return dot == std::string::npos ? release : release.substr(0, release.find_first_not_of("0123456789", dot + 1));
}

std::string this_machine() {
  utsname system{};
  uname(&system);
  return fmt::format("{} cores, {} {} {}", std::thread::hardware_concurrency(), system.sysname,
                     major_and_minor(system.release), system.machine);
}

json checked_setting(StrictObject& settings, const std::string& name) {
  static const std::regex form("[a-z_]{1,64}");
  if (!std::regex_match(name, form)) settings.complain(name, "a name of up to 64 lowercase letters and underscores");
  if (settings.is_text(name)) return without_unseen_marks(settings.any_text(name, longest_provenance));
  const double number = settings.number(name, setting_values);
  const auto whole = static_cast<int64_t>(number);
  return static_cast<double>(whole) == number ? json(whole) : json(number);
}

std::string text_in(StrictObject& entry, const std::string& field) {
  return without_unseen_marks(entry.text(field, longest_provenance));
}

std::string time_in(StrictObject& played) {
  static const std::regex form(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)");
  std::string at = played.text("at", longest_provenance);
  if (!std::regex_match(at, form)) played.complain("at", "a time in UTC, as in 2026-11-27T00:00:00Z");
  return at;
}

}  // namespace

RunSettings run_settings(const Scenario& scenario, const Variant& variant) {
  return {scenario.instances,
          scenario.load.rate,
          scenario.plan,
          changed(variant.breaker, variant.instance),
          effective_faults(variant),
          variant.manual_override ? variant.manual_override->mode : ""};
}

json to_json(const RunSettings& settings) {
  json object{{"instances", settings.instances}, {"rate", settings.rate}, {"plan", settings.plan}};
  for (const auto& [name, value] : settings.programs) add_setting(object, name, value);
  if (!settings.override_mode.empty()) object["override"] = settings.override_mode;
  return object;
}

Played played_now(World world, std::string command) {
  return {world, utc_now(), this_machine(), std::move(command), LAB_VERSION};
}

Played played_in_virtual_time(std::string command) {
  return {World::simulated, "", "", std::move(command), LAB_VERSION};
}

json to_json(const Played& played) {
  json object;
  if (!played.at.empty()) object["at"] = played.at;
  object["world"] = played.world == World::real ? "real" : "simulated";
  object["version"] = played.version;
  if (!played.machine.empty()) object["machine"] = played.machine;
  if (!played.command.empty()) object["command"] = played.command;
  return object;
}

json settings_in(StrictObject& file) {
  StrictObject settings = file.object("settings");
  if (settings.fields().size() > most_settings) {
    file.complain("settings", "an object of at most " + std::to_string(most_settings) + " fields");
  }
  json object{{"instances", settings.integer("instances", fleet_sizes)},
              {"rate", settings.number("rate", call_rates)},
              {"plan", without_unseen_marks(settings.text("plan", longest_plan))}};
  for (const std::string& name : settings.fields()) {
    if (!object.contains(name)) object[name] = checked_setting(settings, name);
  }
  return object;
}

json played_in(StrictObject& file) {
  StrictObject played = file.object("played");
  json object;
  if (played.has("at")) object["at"] = time_in(played);
  object["world"] = played.one_of("world", {"real", "simulated"});
  object["version"] = text_in(played, "version");
  for (const char* field : {"machine", "command"}) {
    if (played.has(field)) object[field] = text_in(played, field);
  }
  return object;
}

}  // namespace load
