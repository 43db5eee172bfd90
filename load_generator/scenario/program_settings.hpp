// Settings are what a scenario file says to a program that it starts. They are passed on as options: here only their
// shape is looked at; whether the name is known and the value makes sense is for the program to judge.
// failure_rate_threshold: 0.5 becomes --failure-rate-threshold=0.5, recovery_timeout_ms: 1000 --recovery-timeout=1s.
// Errors: read_settings() throws std::invalid_argument naming file and field; the rest throws nothing.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/scenario/strict_json.hpp"

namespace load {

using Settings = std::map<std::string, std::string>;  // by name, without _ms; the value as a command line has it

// Names of up to 64 small letters and underscores; numbers of at most a thousand millions, texts of at most 200 bytes,
// durations of at most a day.
Settings read_settings(StrictObject entry);

// `above` where it says something, else `below`.
Settings laid_over(const Settings& below, const Settings& above);

std::vector<std::string> options(const Settings& settings);

// Nothing where the setting is absent or no duration.
std::optional<std::chrono::milliseconds> duration_in(const Settings& settings, const std::string& name);

}  // namespace load
