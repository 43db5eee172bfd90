#include "program/options.hpp"

#include <iostream>
#include <stdexcept>

#include "program/command_line/help.hpp"
#include "program/text.hpp"

namespace program {
namespace {

constexpr size_t longest_quote = 64;

std::string command_line_name(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return app.get_name() + (parsed.empty() ? "" : " " + command_line_name(*parsed.back()));
}

std::string quoted(const std::string& word) { return "'" + shortened(word, longest_quote) + "'"; }

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
                             quoted(text) + " is not one of " + joined_by(", ", choices));
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

std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  app.set_version_flag("--version", app.get_name() + " " + LAB_VERSION, "Print the version")
      ->group(app.get_help_ptr()->get_group());
  use_help_text(app);
  app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
    const std::string name = command_line_name(*failed);
    return name + ": " + error.what() + " (" + name + " --help lists the options)\n";
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
