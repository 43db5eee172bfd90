// Settings are what a scenario file passes to the programs that it starts, as options. Only their form is checked here;
// the program checks whether it knows the name and accepts the value.
// failure_rate_threshold: 0.5 becomes --failure-rate-threshold=0.5, recovery_timeout_ms: 1000 --recovery-timeout=1s.
// Errors: read_settings() throws std::invalid_argument that names file and field; the rest throws nothing.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/scenario/strict_json.hpp"

namespace load {

using Settings = std::map<std::string, std::string>;  // by name, without _ms; the value as on a command line

// Names of up to 64 lowercase letters and underscores; numbers up to a billion, texts of at most 200 bytes, durations
// of at most a day.
Settings read_settings(StrictObject entry);

// `base`, except for the settings that are in `changes`.
Settings changed(const Settings& base, const Settings& changes);

std::vector<std::string> options(const Settings& settings);

// Nothing if the setting is absent or not a duration.
std::optional<std::chrono::milliseconds> duration_in(const Settings& settings, const std::string& name);

}  // namespace load
