// Settings as JSON, for GET /status: each by its name, durations in milliseconds with the unit in the name.
#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "simple_breaker/policies/setting.hpp"

namespace cb {

template <class Struct>
nlohmann::ordered_json to_json(const Struct& values, std::span<const Setting<Struct>> settings) {
  nlohmann::ordered_json json;
  for (const Setting<Struct>& setting : settings) {
    if (const auto* duration = std::get_if<std::chrono::milliseconds Struct::*>(&setting.field)) {
      json[setting.json_name()] = (values.**duration).count();
    } else if (const auto* share = std::get_if<double Struct::*>(&setting.field)) {
      json[setting.json_name()] = values.**share;
    } else {
      json[setting.json_name()] = values.*std::get<int Struct::*>(setting.field);
    }
  }
  return json;
}

}  // namespace cb
