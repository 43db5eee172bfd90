// What pages ask for, read strictly: every field must be known, of the right type and in range.
// Throws std::invalid_argument, one line that names the field, and Refused where the control room does.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "load_generator/control_room/control_room.hpp"

namespace load {

// `what` is the route's part after /control/: "fault", "scenario/stop". {"done":"a sentence"}, and for a
// scenario its "number".
nlohmann::ordered_json obey(ControlRoom& room, const std::string& what, const std::string& body);

}  // namespace load
