#include "load_generator/override/override_command.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "load_generator/api/instance_api.hpp"
#include "program/http/http_client.hpp"

namespace load {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds answer_deadline{5};

using StatusRow = std::array<std::string, 6>;
const StatusRow status_heading{"instance", "state", "mode", "failures", "until", "reason"};

// Instances may send anything: control characters must not reach a terminal.
std::string plain(const std::string& text) { return printable(text, text.size()); }

program::HttpReply ask(const std::string& instance, const OverrideRequest& request) {
  program::HttpRequest http;
  http.method = request.only_reads() ? "GET" : "PUT";
  http.url = instance + (request.only_reads() ? "/status" : "/breaker/override") + request.query;
  http.body = request.body;
  http.timeout = answer_deadline;
  http.protocols = "http,https";
  if (!request.only_reads()) {
    http.headers.emplace_back("Content-Type: application/json");
    if (!request.token.empty()) http.headers.push_back("Authorization: Bearer " + request.token);
  }
  return program::send(http);
}

json json_of(const program::HttpReply& reply) { return json::parse(reply.body, nullptr, false); }

void complain(const std::string& instance, const program::HttpReply& reply, const std::string& otherwise) {
  std::string why = " does not answer: " + reply.error;
  if (reply.status != 0) {
    const json answer = json_of(reply);
    const bool has_reason = answer.is_object() && answer.contains("error") && answer["error"].is_string();
    why = " answers " + std::to_string(reply.status) + ": " +
          (has_reason ? answer["error"].get<std::string>() : otherwise);
  }
  std::cerr << instance << plain(why) << std::endl;
}

std::string text_or_dash(const json& object, const char* field) {
  if (!object.is_object() || !object.contains(field) || object[field].is_null()) return "-";
  return plain(object[field].is_string() ? object[field].get<std::string>()
                                         : object[field].dump(-1, ' ', true, json::error_handler_t::replace));
}

std::string local_time(const json& at_ms) {
  if (!at_ms.is_number_integer()) return "-";
  const std::time_t seconds = at_ms.get<int64_t>() / 1000;
  std::tm broken_down{};
  if (localtime_r(&seconds, &broken_down) == nullptr) return "-";
  std::ostringstream text;
  text << std::put_time(&broken_down, "%Y-%m-%d %H:%M:%S");
  return text.str();
}

std::string reason_of(const json& manual_override) {
  std::string reason = text_or_dash(manual_override, "reason");
  if (reason == "-") return reason;
  const std::string actor = text_or_dash(manual_override, "actor");
  return reason + " (" + (actor == "-" ? "?" : actor) + ")";
}

std::optional<StatusRow> status_row(const program::HttpReply& reply) {
  const json answer = json_of(reply);
  if (reply.status != 200 || !answer.is_object() || !answer.contains("breaker") || !answer["breaker"].is_object()) {
    return std::nullopt;
  }
  const json& breaker = answer["breaker"];
  const json manual_override = breaker.value("override", json());
  const std::string mode = text_or_dash(manual_override, "mode");
  const json expires_at_ms = manual_override.is_object() ? manual_override.value("expires_at_ms", json()) : json();
  return StatusRow{text_or_dash(answer, "instance"),  text_or_dash(breaker, "state"), mode == "-" ? "auto" : mode,
                   text_or_dash(breaker, "failures"), local_time(expires_at_ms),      reason_of(manual_override)};
}

// In UTF-8 a character's further bytes begin with the bits 10.
size_t width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

void print_aligned(const std::vector<StatusRow>& rows) {
  std::array<size_t, status_heading.size()> widths{};
  for (const StatusRow& row : rows) {
    for (size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], width(row[column]));
  }
  for (const StatusRow& row : rows) {
    for (size_t column = 0; column + 1 < row.size(); ++column) {
      std::cout << row[column] << std::string(widths[column] - width(row[column]) + 2, ' ');
    }
    std::cout << row.back() << '\n';
  }
}

int show_status(const OverrideRequest& request) {
  std::vector<StatusRow> rows{status_heading};
  for (const std::string& instance : request.instances) {
    const program::HttpReply reply = ask(instance, request);
    const auto row = status_row(reply);
    if (row) {
      rows.push_back(*row);
    } else {
      complain(instance, reply, "that is not the status of a breaker");
    }
  }
  const size_t answered = rows.size() - 1;
  if (answered > 0) print_aligned(rows);
  return answered == request.instances.size() ? 0 : 1;
}

bool is_shared(const program::HttpReply& reply) {
  const json answer = json_of(reply);
  return answer.is_object() && answer.value("shared", json()) == true;
}

int apply_override(const OverrideRequest& request) {
  int exit_code = 0;
  for (const std::string& instance : request.instances) {
    const program::HttpReply reply = ask(instance, request);
    if (reply.status != 200) {
      complain(instance, reply, "and gives no reason");
      exit_code = 1;
      continue;
    }
    std::cout << instance << ": " << request.command << " is done" << std::endl;
    if (is_shared(reply)) {
      std::cout << "the others share this breaker" << std::endl;
      return 0;
    }
  }
  return exit_code;
}

}  // namespace

int override_command(const OverrideOptions& options) {
  const OverrideRequest request = parse_override(options);
  return request.only_reads() ? show_status(request) : apply_override(request);
}

}  // namespace load
