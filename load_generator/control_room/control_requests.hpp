// A page's requests to change something, read strictly: each field must be known, of the right type and in range.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "load_generator/control_room/control_room.hpp"

namespace load {

// `control` is the route after /control/: "fault", "scenario/stop". Returns {"done":"a sentence"}, and for a scenario
// its "number". Throws std::invalid_argument, one line that names the field, and RequestError as the control room does.
nlohmann::ordered_json apply_control_request(ControlRoom& room, const std::string& control, const std::string& body);

}  // namespace load
