// The text of --help: usage, purpose, then the options in groups, each with its name, meaning and default. Pure, and
// independent of CLI11's formats, which change with its version: it uses only what an App and an Option say of
// themselves.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace program {

// Lines of at most `columns`, as far as words allow. `name` is the command as typed: "load_generator scenario". Options
// without a group come last.
std::string help_text(const CLI::App& app, const std::string& name, size_t columns);

// Makes `app` and its subcommands answer --help with help_text().
void use_help_text(CLI::App& app);

}  // namespace program
