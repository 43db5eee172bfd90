// What the command lines of all programs have in common: durations are written `250ms`, `10s`, `2m`; a bad option
// yields one line, which suggests the nearest known name, and exit code 2; failed work yields one line and exit code 1;
// `--help` and `--version` exit with 0.
//
// CLI11 does the work, and only behind this header: to compile its own takes five seconds for each file.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "program/duration.hpp"
#include "program/log.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace program {

// One option or argument while its command line is described; each member returns it. Valid as long as that.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  // Value is that of the option: int, int64_t, uint64_t or double.
  template <class Value>
  Option& range(Value least, Value most);

  Option& type_name(const std::string& name);     // what --help shows for its value
  Option& default_text(const std::string& text);  // in place of the value that the variable has now; empty: none
  Option& group(const std::string& title);
  Option& environment(const std::string& name);  // the variable that gives the value where the command line does not
  Option& required();
  Option& excludes(Option other);
  Option& needs(Option other);

  // For a vector of strings.
  Option& separated_by(char separator);
  Option& at_most(int count);
  Option& one_at_a_time();  // the option is repeated for each value

  // What is wrong with a value; empty: nothing.
  Option& check(const std::function<std::string(const std::string&)>& fault);
  // Puts a value into its one form. Throws std::invalid_argument for a bad one.
  Option& transform(const std::function<std::string(const std::string&)>& form);

 private:
  CLI::Option* option_;
};

// The options, arguments and commands of a program, or of one of its commands. A copy describes the same command line.
// The variables hold the defaults, which --help shows, and must outlive the parsing. For one thread.
class CommandLine {
 public:
  explicit CommandLine(const std::string& purpose = "", const std::string& program = "");

  // Value: int, int64_t, uint64_t, double, std::string, std::vector<std::string>, or std::optional of int or double.
  // A name without dashes is an argument's.
  template <class Value>
  Option add_option(const std::string& name, Value& value, const std::string& help);

  Option add_flag(const std::string& name, bool& value, const std::string& help);
  Option add_flag(const std::string& name, const std::function<void()>& given, const std::string& help);
  Option add_duration(const std::string& name, std::chrono::milliseconds& value, const std::string& help);

  // An option that takes one of these words; `value` may be empty.
  Option add_choice(const std::string& name, std::string& value, const std::vector<std::string>& choices,
                    const std::string& help);

  // The same where each word stands for a value: the two lists correspond, and `value` is in the second.
  template <class Value>
  Option add_choice(const std::string& name, Value& value, const std::vector<std::string>& choices,
                    const std::vector<Value>& values, const std::string& help) {
    const auto place = static_cast<size_t>(std::find(values.begin(), values.end(), value) - values.begin());
    const auto choose = [&value, values](size_t chosen) { value = values.at(chosen); };
    return add_choice_of(name, choose, choices, help).default_text(choices.at(place));
  }

  // --log-format text|json
  Option add_log_format(LogFormat& format);

  // The heading of the options that follow; empty: none.
  void group(const std::string& title);
  // What --help prints below the options.
  void footer(const std::string& text);
  CommandLine add_command(const std::string& name, const std::string& purpose);

  // Nothing: the program may continue. Otherwise its exit code: 0 after --help and --version, 2 after one line about
  // the bad option.
  std::optional<int> parse(int argc, const char* const* argv);
  // Throws std::invalid_argument: "'--rte' is not an option; did you mean --rate?"
  void parse(std::vector<std::string> words);

  bool is_given(const std::string& option) const;
  bool is_chosen() const;  // this command is the one that the user gave
  // The text of --help, in lines of at most `columns` as far as words allow.
  std::string help(size_t columns) const;

 private:
  explicit CommandLine(std::shared_ptr<CLI::App> app) : app_(std::move(app)) {}

  Option add_choice_of(const std::string& name, const std::function<void(size_t)>& choose,
                       const std::vector<std::string>& choices, const std::string& help);

  std::shared_ptr<CLI::App> app_;
};

// Runs a program's body and returns its exit code. An exception becomes one line on standard error:
// std::invalid_argument means an invalid setting (2), any other exception failed work (1).
int run(const std::function<int()>& body);

}  // namespace program
