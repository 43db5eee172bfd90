#include "program/command_line/help.hpp"

#include <algorithm>
#include <cctype>
#include <memory>

#include "program/command_line/terminal.hpp"
#include "program/text.hpp"

namespace program {
namespace {

constexpr size_t widest_name = 32;  // with its indent and a gap; after a longer name the meaning begins in a new line
constexpr size_t gap = 2;

std::string paragraph(const std::string& text, size_t columns) { return wrapped(text, columns, "") + "\n"; }

struct Entry {
  std::string name;
  std::string meaning;
};

// CLI11 appends the validators' descriptions to a type's name: "INT:INT in [0 - 65535]".
std::string placeholder(const CLI::Option& option) {
  if (option.get_expected_max() == 0) return "";  // a flag
  std::string type = option.get_type_name();
  type = type.substr(0, type.find(':'));
  if (type == "INT" || type == "UINT") return " N";
  if (type == "FLOAT") return " NUMBER";
  return type.empty() ? "" : " " + type;
}

std::string defaults(const CLI::Option& option) {
  std::string text;
  if (!option.get_envname().empty()) text += "; or " + option.get_envname() + " in the environment";
  const std::string value = option.get_default_str();
  if (!value.empty() && value != "\"\"") text += "; default: " + value;
  return text;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string positional_name(const CLI::Option& option) {
  return upper(option.get_name(true, false)) + (option.get_expected_max() > 1 ? "..." : "");
}

Entry entry(const CLI::Option& option) {
  const std::string meaning = option.get_description() + defaults(option);
  if (!option.nonpositional()) return {positional_name(option), meaning};
  std::string name = option.get_name(false, true);
  if (const size_t comma = name.find(','); comma != std::string::npos) name.insert(comma + 1, " ");
  return {name + placeholder(option), meaning};
}

std::string group_text(const std::string& title, const std::vector<Entry>& entries, size_t columns) {
  if (entries.empty()) return "";
  size_t column = 0;
  for (const Entry& each : entries) {
    const size_t width = gap + each.name.size() + gap;
    if (width <= widest_name) column = std::max(column, width);
  }
  if (column == 0) column = widest_name;
  std::string text = "\n" + title + ":\n";
  for (const Entry& each : entries) {
    std::string head = std::string(gap, ' ') + each.name;
    if (head.size() + gap > column) text += head + "\n", head.clear();
    head.resize(column, ' ');
    text += head + wrapped(each.meaning, columns - column, std::string(column, ' ')) + "\n";
  }
  return text;
}

std::vector<const CLI::Option*> positionals_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->get_positional(); });
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
}

std::string usage(const CLI::App& app, const std::string& name) {
  std::string text = "Usage: " + name;
  for (const CLI::Option* option : positionals_of(app)) {
    const std::string word = positional_name(*option);
    text += option->get_required() ? " " + word : " [" + word + "]";
  }
  text += " [OPTIONS]\n";
  if (!commands_of(app).empty()) text += "       " + name + " COMMAND [OPTIONS]\n";
  return text;
}

std::string options_text(const CLI::App& app, const std::string& group, const std::string& title, size_t columns) {
  std::vector<Entry> entries;
  for (const CLI::Option* option : app.get_options({})) {
    if (option->nonpositional() && option->get_group() == group) entries.push_back(entry(*option));
  }
  return group_text(title, entries, columns);
}

std::string groups_text(const CLI::App& app, size_t columns) {
  const std::string without_group = CLI::OptionDefaults().get_group();
  std::string text;
  for (const std::string& group : app.get_groups()) {
    if (!group.empty() && group != without_group) text += options_text(app, group, group, columns);
  }
  return text + options_text(app, without_group, text.empty() ? "Options" : "Other", columns);
}

std::string arguments_text(const CLI::App& app, size_t columns) {
  std::vector<Entry> entries;
  for (const CLI::Option* option : positionals_of(app)) entries.push_back(entry(*option));
  return group_text("Arguments", entries, columns);
}

std::string commands_text(const CLI::App& app, const std::string& name, size_t columns) {
  std::vector<Entry> entries;
  for (const CLI::App* command : commands_of(app)) entries.push_back({command->get_name(), command->get_description()});
  const std::string text = group_text("Commands", entries, columns);
  return text.empty() ? ""
                      : text + "\n" + paragraph("`" + name + " COMMAND --help` lists a command's options.", columns);
}

class HelpFormatter final : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode /*mode*/) const override {
    return help_text(*app, name, output_columns());
  }
};

void set_formatter(CLI::App& app, const std::shared_ptr<CLI::FormatterBase>& formatter) {
  app.formatter(formatter);
  if (CLI::Option* help = app.get_help_ptr()) help->description("Print this help");
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    set_formatter(*command, formatter);
}

}  // namespace

std::string help_text(const CLI::App& app, const std::string& name, size_t columns) {
  const std::string footer = app.get_footer();
  return usage(app, name) + "\n" + paragraph(app.get_description() + ".", columns) + arguments_text(app, columns) +
         groups_text(app, columns) + commands_text(app, name, columns) + (footer.empty() ? "" : "\n" + footer + "\n");
}

void use_help_text(CLI::App& app) { set_formatter(app, std::make_shared<HelpFormatter>()); }

}  // namespace program
