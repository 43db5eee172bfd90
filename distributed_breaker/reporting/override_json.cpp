#include "distributed_breaker/reporting/override_json.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "program/text.hpp"

namespace cb {
namespace {

using Body = nlohmann::json;

constexpr std::array<std::string_view, 4> known_fields{"mode", "actor", "reason", "expires_in_ms"};

std::optional<std::string> unknown_field(const Body& body) {
  for (const auto& [name, value] : body.items()) {
    if (std::find(known_fields.begin(), known_fields.end(), name) == known_fields.end())
      return program::shortened(name, 64);
  }
  return std::nullopt;
}

// For an error line: short, printable and not nested.
std::string shown(const Body& body, const char* field) {
  if (!body.contains(field)) return "missing";
  const Body& value = body[field];
  if (value.is_structured()) return value.is_array() ? "an array" : "an object";
  return program::shortened(value.dump(-1, ' ', true, Body::error_handler_t::replace), 80);
}

std::string wrong(const Body& body, const char* field, const char* rule) {
  return std::string(field) + " is " + shown(body, field) + "; it must be " + rule;
}

// Empty if the field is absent; std::nullopt if it is not a text.
std::optional<std::string> text(const Body& body, const char* field) {
  if (!body.contains(field)) return "";
  return body[field].is_string() ? std::optional(body[field].get<std::string>()) : std::nullopt;
}

// std::nullopt: not a whole number of at least 1. error_in() checks the upper limit.
std::optional<std::chrono::milliseconds> duration(const Body& value) {
  const bool whole = value.is_number_unsigned() && value.get<uint64_t>() >= 1 && value.get<uint64_t>() < (1ULL << 60);
  return whole ? std::optional(std::chrono::milliseconds(value.get<int64_t>())) : std::nullopt;
}

}  // namespace

std::variant<OverrideRequest, std::string> parse_override(const std::string& body) {
  const Body json = Body::parse(body, nullptr, false);
  if (!json.is_object()) return "the body must be a JSON object with mode, actor, reason and expires_in_ms";
  if (const auto name = unknown_field(json)) return "there is no field " + *name;
  const auto mode = mode_from(text(json, "mode").value_or(""));
  if (!mode) return wrong(json, "mode", "auto, forced_open, forced_closed, disabled, metrics_only or reset");
  const auto actor = text(json, "actor");
  const auto reason = text(json, "reason");
  if (!actor) return wrong(json, "actor", "text");
  if (!reason) return wrong(json, "reason", "text");
  const bool expires = json.contains("expires_in_ms");
  const auto lasts = expires ? duration(json["expires_in_ms"]) : std::chrono::milliseconds(0);
  if (!lasts) return wrong(json, "expires_in_ms", "a whole number, 1 to 31536000000, or absent");
  OverrideRequest request{{*mode, *actor, *reason}, *lasts};
  std::string fault = error_in(request.override, request.lasts);
  if (!fault.empty()) return fault;
  return request;
}

}  // namespace cb
