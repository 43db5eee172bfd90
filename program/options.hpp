// What the command lines of all programs have in common: durations are written `250ms`, `10s`, `2m`; a bad option
// yields one line, which suggests the nearest known name, and exit code 2; failed work yields one line and exit code 1;
// `--help` and `--version` exit with 0.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "program/duration.hpp"
#include "program/log.hpp"

namespace program {

// An option that takes a duration; `value` holds the default, which --help shows.
CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                          const std::string& help);

std::string joined_by(const std::string& separator, const std::vector<std::string>& words);

// The place of `text` in `choices`. Throws CLI::ValidationError that names the option and lists them.
size_t index_of_choice(const std::string& option, const std::string& text, const std::vector<std::string>& choices);

// An option that takes one of these words; `value` may hold the default.
CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& value,
                        const std::vector<std::string>& choices, const std::string& help);

// The same where each word stands for a value: the two lists correspond, and `value` holds the default.
template <class Value>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Value& value, const std::vector<std::string>& choices,
                        const std::vector<Value>& values, const std::string& help) {
  const auto read = [&value, name, choices, values](const std::string& text) {
    value = values.at(index_of_choice(name, text, choices));
  };
  const auto place = static_cast<size_t>(std::find(values.begin(), values.end(), value) - values.begin());
  return app.add_option_function<std::string>(name, read, help)
      ->type_name(joined_by("|", choices))
      ->default_str(choices.at(place));
}

// --log-format text|json; `format` holds the default.
CLI::Option* add_log_format(CLI::App& app, LogFormat& format);

// What is wrong with the command line that `app` was parsing: "'--rte' is not an option; did you mean --rate?"
std::string parse_fault(const CLI::App& app, const CLI::Error& error);

// Nothing: the program may continue. Otherwise its exit code: 0 after --help and --version, 2 after one line about the
// bad option.
std::optional<int> parse(CLI::App& app, int argc, char** argv);

// Runs a program's body and returns its exit code. An exception becomes one line on standard error:
// std::invalid_argument means an invalid setting (2), any other exception failed work (1).
int run(const std::function<int()>& body);

}  // namespace program
