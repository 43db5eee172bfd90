#include "distributed_breaker/reporting/override_json.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

namespace cb {
namespace {

using Body = nlohmann::json;

constexpr std::array<std::string_view, 4> known_fields{"mode", "actor", "reason", "expires_in_ms"};

std::optional<std::string> unknown_field(const Body& body) {
  for (const auto& [name, value] : body.items()) {
    if (std::find(known_fields.begin(), known_fields.end(), name) == known_fields.end()) return name.substr(0, 64);
  }
  return std::nullopt;
}

// Short, plain, and never deep: it goes into an error line.
std::string shown(const Body& body, const char* field) {
  if (!body.contains(field)) return "missing";
  const Body& value = body[field];
  if (value.is_structured()) return value.is_array() ? "an array" : "an object";
  return value.dump(-1, ' ', true, Body::error_handler_t::replace).substr(0, 80);
}

// Nothing where the field is there and no text.
std::optional<std::string> text(const Body& body, const char* field) {
  if (!body.contains(field)) return "";
  return body[field].is_string() ? std::optional(body[field].get<std::string>()) : std::nullopt;
}

}  // namespace

std::variant<Order, std::string> read_order(const std::string& body) {
  const Body json = Body::parse(body, nullptr, false);
  if (!json.is_object()) return "the body must be a JSON object with mode, actor, reason and expires_in_ms";
  if (const auto name = unknown_field(json)) return "there is no field " + *name;
  const auto mode = mode_from(text(json, "mode").value_or(""));
  if (!mode) {
    return "mode is " + shown(json, "mode") +
           "; it must be auto, forced_open, forced_closed, disabled, metrics_only or reset";
  }
  const auto actor = text(json, "actor");
  const auto reason = text(json, "reason");
  if (!actor) return "actor is " + shown(json, "actor") + "; it must be text";
  if (!reason) return "reason is " + shown(json, "reason") + "; it must be text";
  Order order{{*mode, *actor, *reason}};
  if (json.contains("expires_in_ms")) {
    const auto& lasts = json["expires_in_ms"];
    const bool fits = lasts.is_number_unsigned() && lasts.get<uint64_t>() >= 1 && lasts.get<uint64_t>() < (1ULL << 60);
    if (!fits) {
      return "expires_in_ms is " + shown(json, "expires_in_ms") +
             "; it must be a whole number, 1 to 31536000000, or absent";
    }
    order.lasts = std::chrono::milliseconds(lasts.get<int64_t>());
  }
  std::string fault = error_in(order.override, order.lasts);
  if (!fault.empty()) return fault;
  return order;
}

}  // namespace cb
