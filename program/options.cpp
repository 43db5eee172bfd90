#include "program/options.hpp"

#include <iostream>
#include <stdexcept>

namespace program {

CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                          const std::string& help) {
  const auto read = [&value, name](const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration) throw CLI::ValidationError(name, "'" + text + "' is not a valid duration; write 250ms, 10s or 2m");
    value = *duration;
  };
  return app.add_option_function<std::string>(name, read, help)->type_name("DURATION")->default_str(to_text(value));
}

CLI::Option* add_log_format(CLI::App& app, LogFormat& format) {
  const auto read = [&format](const std::string& text) {
    if (text != "text" && text != "json") {
      throw CLI::ValidationError("--log-format", "'" + text + "' is not a log format; write text or json");
    }
    format = text == "json" ? LogFormat::json : LogFormat::text;
  };
  return app.add_option_function<std::string>("--log-format", read, "Log lines for people, or one JSON object a line")
      ->type_name("text|json")
      ->default_str(format == LogFormat::json ? "json" : "text");
}

std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
    return failed->get_name() + ": " + error.what() + " (" + failed->get_name() + " --help lists the options)\n";
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
