// A page's requests with givens, read strictly: each field must be known, of the right type and in range.
#pragma once

#include <httplib.h>

#include <nlohmann/json.hpp>
#include <string>

#include "load_generator/control_room/control_room.hpp"
#include "load_generator/race/race_givens.hpp"

namespace load {

// `control` is the route after /control/: "fault", "scenario/stop". Returns {"done":"a sentence"}, and for a scenario
// or a race its "number". Throws std::invalid_argument, one line that names the field, and RequestError as the control
// room does.
nlohmann::ordered_json apply_control_request(ControlRoom& room, const std::string& control, const std::string& body);

// The givens of a simulated race from the URL's query: as read_race_givens(), and none may be there twice. Throws
// std::invalid_argument.
RaceGivens simulated_race_request(const httplib::Params& query);

// `from` in the URL's query; empty if it is not there. Throws std::invalid_argument.
std::string race_news_request(const httplib::Params& query);

}  // namespace load
