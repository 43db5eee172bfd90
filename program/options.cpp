#include "program/options.hpp"

#include <iostream>
#include <stdexcept>

#include "program/command_line/help.hpp"
#include "program/command_line/nearest.hpp"
#include "program/text.hpp"

namespace program {
namespace {

constexpr size_t longest_quote = 64;

// The command that was given, or the program itself.
const CLI::App& parsed_command(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : parsed_command(*parsed.back());
}

std::string command_line_name(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return app.get_name() + (parsed.empty() ? "" : " " + command_line_name(*parsed.back()));
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options({})) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::string quoted(const std::string& word) { return "'" + shortened(word, longest_quote) + "'"; }

bool is(const CLI::Error& error, CLI::ExitCodes kind) { return error.get_exit_code() == static_cast<int>(kind); }

// A mistyped option may be why another one is missing.
std::optional<std::string> unknown_option(const CLI::App& app, const CLI::Error& error) {
  if (!is(error, CLI::ExitCodes::ExtrasError) && !is(error, CLI::ExitCodes::RequiredError)) return std::nullopt;
  const std::vector<std::string> unknown = app.remaining(true);  // also the values of unknown options
  const auto found =
      std::find_if(unknown.begin(), unknown.end(), [](const std::string& word) { return word.starts_with("-"); });
  return found == unknown.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                          const std::string& help) {
  const auto read = [&value, name](const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration) throw CLI::ValidationError(name, "'" + text + "' is not a valid duration; write 250ms, 10s or 2m");
    value = *duration;
  };
  return app.add_option_function<std::string>(name, read, help)->type_name("DURATION")->default_str(to_text(value));
}

std::string joined_by(const std::string& separator, const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

size_t index_of_choice(const std::string& option, const std::string& text, const std::vector<std::string>& choices) {
  const auto found = std::find(choices.begin(), choices.end(), text);
  if (found != choices.end()) return static_cast<size_t>(found - choices.begin());
  throw CLI::ValidationError(option,
                             quoted(text) + " is not one of " + joined_by(", ", choices) + did_you_mean(text, choices));
}

CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& value,
                        const std::vector<std::string>& choices, const std::string& help) {
  const auto read = [&value, name, choices](const std::string& text) {
    value = choices.at(index_of_choice(name, text, choices));
  };
  return app.add_option_function<std::string>(name, read, help)->type_name(joined_by("|", choices))->default_str(value);
}

CLI::Option* add_log_format(CLI::App& app, LogFormat& format) {
  return add_choice(app, "--log-format", format, {"text", "json"}, {LogFormat::text, LogFormat::json},
                    "Log lines for people, or one JSON object a line");
}

std::string parse_fault(const CLI::App& app, const CLI::Error& error) {
  if (const auto option = unknown_option(app, error)) {
    return quoted(*option) + " is not an option" +
           did_you_mean(option->substr(0, option->find('=')), option_names(parsed_command(app)));
  }
  const std::vector<std::string> unknown = app.remaining(true);
  if (!is(error, CLI::ExitCodes::ExtrasError) || unknown.empty()) return error.what();
  const std::vector<std::string> commands = command_names(parsed_command(app));
  if (commands.empty()) return quoted(unknown.front()) + " is not expected";
  return quoted(unknown.front()) + " is not a command" + did_you_mean(unknown.front(), commands);
}

std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  app.set_version_flag("--version", app.get_name() + " " + LAB_VERSION, "Print the version")
      ->group(app.get_help_ptr()->get_group());
  use_help_text(app);
  app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
    const std::string name = command_line_name(*failed);
    return name + ": " + parse_fault(*failed, error) + " (" + name + " --help lists the options)\n";
  });
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
}

int run(const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::invalid_argument& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace program
