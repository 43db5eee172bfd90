#include "program/command_line/options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <iostream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <type_traits>

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

// "--rate: 1 required FLOAT missing" without the parser's words.
std::optional<std::string> option_without_value(const CLI::Error& error) {
  const std::string what = error.what();
  if (!is(error, CLI::ExitCodes::ArgumentMismatch) || !what.ends_with(" missing")) return std::nullopt;
  return what.substr(0, what.find(':'));
}

// What is wrong with the command line that `app` was parsing.
std::string parse_fault(const CLI::App& app, const CLI::Error& error) {
  if (const auto option = unknown_option(app, error)) {
    return quoted(*option) + " is not an option" +
           did_you_mean(option->substr(0, option->find('=')), option_names(parsed_command(app)));
  }
  if (const auto option = option_without_value(error)) return *option + " needs a value";
  const std::vector<std::string> unknown = app.remaining(true);
  if (!is(error, CLI::ExitCodes::ExtrasError) || unknown.empty()) return error.what();
  const std::vector<std::string> commands = command_names(parsed_command(app));
  if (commands.empty()) return quoted(unknown.front()) + " is not expected";
  return quoted(unknown.front()) + " is not a command" + did_you_mean(unknown.front(), commands);
}

template <class Value>
struct NumberIn {
  using Type = std::conditional_t<std::is_arithmetic_v<Value>, Value, void>;
};
template <class Value>
struct NumberIn<std::optional<Value>> : NumberIn<Value> {};

// CLI11 would read such a whole number as octal.
bool has_leading_zero(std::string_view digits) {
  if (digits.starts_with('-')) digits.remove_prefix(1);
  return digits.size() > 1 && digits.front() == '0';
}

// Why a text is not such a number; an empty text if it is one.
template <class Number>
std::string number_fault(const std::string& text, Number least, Number most) {
  Number number{};
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error != std::errc::invalid_argument && rest == text.data() + text.size();
  if (!is_whole || std::isnan(static_cast<double>(number))) {
    return quoted(text) + (std::is_integral_v<Number> ? " is not a whole number" : " is not a number");
  }
  if (std::is_integral_v<Number> && has_leading_zero(text)) return quoted(text) + " begins with a 0: leave it out";
  if (error == std::errc{} && least <= number && number <= most) return "";
  std::ostringstream range;
  range << quoted(text) << " is not in the range of " << least << " to " << most;
  return range.str();
}

// Whether the variable's value now is the default to show.
template <class Value>
constexpr bool shows_default = true;
template <class Value>
constexpr bool shows_default<std::optional<Value>> = false;
template <>
constexpr bool shows_default<std::vector<std::string>> = false;

}  // namespace

template <class Value>
Option& Option::range(Value least, Value most) {
  option_->check([least, most](const std::string& text) { return number_fault(text, least, most); });
  return *this;
}
template Option& Option::range(int, int);
template Option& Option::range(int64_t, int64_t);
template Option& Option::range(uint64_t, uint64_t);
template Option& Option::range(double, double);

Option& Option::type_name(const std::string& name) { return option_->type_name(name), *this; }
Option& Option::default_text(const std::string& text) { return option_->default_str(text), *this; }
Option& Option::group(const std::string& title) { return option_->group(title), *this; }
Option& Option::environment(const std::string& name) { return option_->envname(name), *this; }
Option& Option::required() { return option_->required(), *this; }
Option& Option::excludes(Option other) { return option_->excludes(other.option_), *this; }
Option& Option::needs(Option other) { return option_->needs(other.option_), *this; }
Option& Option::separated_by(char separator) { return option_->delimiter(separator), *this; }
Option& Option::at_most(int count) { return option_->expected(1, count), *this; }
Option& Option::one_at_a_time() { return option_->allow_extra_args(false), *this; }

Option& Option::check(const std::function<std::string(const std::string&)>& fault) {
  option_->check(fault);
  return *this;
}

Option& Option::transform(const std::function<std::string(const std::string&)>& form) {
  const auto change = [form](std::string& text) -> std::string {
    try {
      text = form(text);
      return "";
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
  };
  option_->transform(CLI::Validator(change, ""));
  return *this;
}

CommandLine::CommandLine(const std::string& purpose, const std::string& program)
    : app_(std::make_shared<CLI::App>(purpose, program)) {
  app_->get_help_ptr()->description("Print this help");
}

template <class Value>
Option CommandLine::add_option(const std::string& name, Value& value, const std::string& help) {
  CLI::Option* option = app_->add_option(name, value, help);
  if constexpr (shows_default<Value>) option->capture_default_str();
  using Number = typename NumberIn<Value>::Type;
  if constexpr (!std::is_void_v<Number>) {
    using Limits = std::numeric_limits<Number>;
    constexpr Number most = Limits::has_infinity ? Limits::infinity() : Limits::max();
    constexpr Number least = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    option->check([](const std::string& text) { return number_fault(text, least, most); });
  }
  return Option(option);
}
template Option CommandLine::add_option(const std::string&, int&, const std::string&);
template Option CommandLine::add_option(const std::string&, int64_t&, const std::string&);
template Option CommandLine::add_option(const std::string&, uint64_t&, const std::string&);
template Option CommandLine::add_option(const std::string&, double&, const std::string&);
template Option CommandLine::add_option(const std::string&, std::string&, const std::string&);
template Option CommandLine::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option CommandLine::add_option(const std::string&, std::optional<int>&, const std::string&);
template Option CommandLine::add_option(const std::string&, std::optional<double>&, const std::string&);

Option CommandLine::add_flag(const std::string& name, bool& value, const std::string& help) {
  return Option(app_->add_flag(name, value, help));
}

Option CommandLine::add_flag(const std::string& name, const std::function<void()>& given, const std::string& help) {
  return Option(app_->add_flag_callback(name, given, help));
}

Option CommandLine::add_duration(const std::string& name, std::chrono::milliseconds& value, const std::string& help) {
  const auto read = [&value, name](const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration)
      throw CLI::ValidationError(name,
                                 quoted(text) + " is not a valid duration; write 0, 250ms, 10s, 2m or 1h, up to 8760h");
    value = *duration;
  };
  return Option(app_->add_option_function<std::string>(name, read, help))
      .type_name("DURATION")
      .default_text(to_text(value));
}

Option CommandLine::add_choice_of(const std::string& name, const std::function<void(size_t)>& choose,
                                  const std::vector<std::string>& choices, const std::string& help) {
  const auto read = [choose, name, choices](const std::string& text) { choose(index_of_choice(name, text, choices)); };
  return Option(app_->add_option_function<std::string>(name, read, help)).type_name(joined_by("|", choices));
}

Option CommandLine::add_choice(const std::string& name, std::string& value, const std::vector<std::string>& choices,
                               const std::string& help) {
  const auto choose = [&value, choices](size_t chosen) { value = choices.at(chosen); };
  return add_choice_of(name, choose, choices, help).default_text(value);
}

Option CommandLine::add_log_format(LogFormat& format) {
  return add_choice("--log-format", format, {"text", "json"}, {LogFormat::text, LogFormat::json},
                    "Log lines for people, or one JSON object a line");
}

// Commands inherit it.
void CommandLine::group(const std::string& title) {
  app_->option_defaults()->group(title.empty() ? app_->get_help_ptr()->get_group() : title);
}

void CommandLine::footer(const std::string& text) { app_->footer(text); }

CommandLine CommandLine::add_command(const std::string& name, const std::string& purpose) {
  app_->require_subcommand(0, 1);
  return CommandLine(std::shared_ptr<CLI::App>(app_, app_->add_subcommand(name, purpose)));
}

std::optional<int> CommandLine::parse(int argc, const char* const* argv) {
  app_->set_version_flag("--version", app_->get_name() + " " + LAB_VERSION, "Print the version")
      ->group(app_->get_help_ptr()->get_group());
  use_help_text(*app_);
  app_->failure_message([](const CLI::App* failed, const CLI::Error& error) {
    const std::string name = command_line_name(*failed);
    return name + ": " + parse_fault(*failed, error) + " (" + name + " --help lists the options)\n";
  });
  try {
    app_->parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    return app_->exit(error) == 0 ? 0 : 2;
  }
}

void CommandLine::parse(std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app_->parse(words);
  } catch (const CLI::Error& error) {
    throw std::invalid_argument(parse_fault(*app_, error));
  }
}

bool CommandLine::is_given(const std::string& option) const { return app_->count(option) > 0; }
bool CommandLine::is_chosen() const { return app_->parsed(); }
std::string CommandLine::help(size_t columns) const { return help_text(*app_, app_->get_name(), columns); }

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
