// What the command lines of all programs have in common: durations are written `250ms`, `10s`, `2m`; a bad option
// yields one line and exit code 2; failed work yields one line and exit code 1; `--help` exits 0.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "program/duration.hpp"
#include "program/log.hpp"

namespace program {

// An option that takes a duration; `value` holds the default, which --help shows.
CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                          const std::string& help);

// --log-format text|json; `format` holds the default.
CLI::Option* add_log_format(CLI::App& app, LogFormat& format);

// Nothing: the program may continue. Otherwise its exit code: 0 after --help, 2 after one line about the bad option.
std::optional<int> parse(CLI::App& app, int argc, char** argv);

// Runs a program's body and returns its exit code. An exception becomes one line on standard error:
// std::invalid_argument means an invalid setting (2), any other exception failed work (1).
int run(const std::function<int()>& body);

}  // namespace program
