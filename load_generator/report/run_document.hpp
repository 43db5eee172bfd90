// A run's file for those who draw it, the page and the report: everything in it that they know, checked and within
// bounds, and nothing else. Names and causes are text from outside, whatever they hold: data, never markup.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace load {

// As run_file.hpp says, and in each expectation its bounds as text and whether it held: "expected":"exactly 3",
// "held":true. Throws std::invalid_argument naming file and field, or saying that the file has no timeline.
nlohmann::ordered_json run_document(const std::string& path);

}  // namespace load
