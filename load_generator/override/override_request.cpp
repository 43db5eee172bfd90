#include "load_generator/override/override_request.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "program/address.hpp"
#include "program/command_line/nearest.hpp"
#include "program/duration.hpp"
#include "program/http/admin_access.hpp"
#include "program/text.hpp"

namespace load {
namespace {

struct Command {
  std::string_view name;
  std::string_view mode;  // empty: it changes nothing
  enum class Duration { allowed, refused } duration;
};

constexpr std::array<Command, 7> commands{{{"status", "", Command::Duration::refused},
                                           {"force-open", "forced_open", Command::Duration::allowed},
                                           {"force-close", "forced_closed", Command::Duration::allowed},
                                           {"disable", "disabled", Command::Duration::allowed},
                                           {"metrics-only", "metrics_only", Command::Duration::allowed},
                                           {"auto", "auto", Command::Duration::refused},
                                           {"reset", "reset", Command::Duration::refused}}};

const Command& find_command(const std::string& name) {
  for (const Command& command : commands) {
    if (command.name == name) return command;
  }
  std::vector<std::string> names;
  for (const Command& command : commands) names.emplace_back(command.name);
  throw std::invalid_argument("'" + name +
                              "' is not a command; write status, force-open, force-close, disable, metrics-only, auto "
                              "or reset" +
                              program::did_you_mean(name, names));
}

std::string user_name() {
  const char* user = std::getenv("USER");
  if (user != nullptr && *user != '\0') return user;
  const passwd* entry = getpwuid(geteuid());
  return entry != nullptr ? entry->pw_name : std::to_string(geteuid());
}

int64_t duration_ms(const Command& command, const std::string& text) {
  if (command.duration == Command::Duration::refused) {
    throw std::invalid_argument(std::string(command.name) + " does not take --for");
  }
  const auto duration = program::parse_duration(text);
  if (!duration || duration->count() == 0) {
    throw std::invalid_argument("--for is '" + text + "'; write 250ms, 10s, 2m or 1h");
  }
  return duration->count();
}

// Any file that can be read will do, also a pipe: --token-file <(pass show lab).
std::string read_token(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file) throw std::invalid_argument("the token file '" + path + "' cannot be read");
  std::getline(file, line);
  constexpr const char* blanks = " \t\r";
  const size_t first = line.find_first_not_of(blanks);
  if (first == std::string::npos)
    throw std::invalid_argument("the first line of the token file '" + path + "' is empty");
  std::string token = line.substr(first, line.find_last_not_of(blanks) - first + 1);
  try {
    const program::AdminAccess check(token);
  } catch (const std::invalid_argument&) {
    throw std::invalid_argument("the first line of '" + path +
                                "' is not a token of 16 to 256 printable ASCII characters without spaces");
  }
  return token;
}

std::string body_of(const Command& command, const OverrideOptions& options) {
  nlohmann::json body{{"mode", command.mode},
                      {"actor", options.actor.empty() ? user_name() : options.actor},
                      {"reason", options.reason}};
  if (!options.duration.empty()) body["expires_in_ms"] = duration_ms(command, options.duration);
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

OverrideRequest parse_override(const OverrideOptions& options) {
  const Command& command = find_command(options.command);
  OverrideRequest request;
  request.command = command.name;
  for (const std::string& instance : options.instances) {
    request.instances.push_back(cb::net::http_address("--instance", instance, {"http", "https"}));
  }
  if (!options.tenant.empty()) request.query = "?tenant=" + cb::net::percent_encoded(options.tenant);
  if (!options.token_file.empty()) request.token = read_token(options.token_file);
  if (!command.mode.empty()) {
    request.body = body_of(command, options);
  } else if (!options.duration.empty()) {
    duration_ms(command, options.duration);
  }
  return request;
}

}  // namespace load
