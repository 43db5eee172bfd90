// A run's file for the page and the report that draw it: only the fields that they know, checked and within bounds.
// Names and causes are text from outside: data, never markup.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace load {

// As in run_file.hpp; each expectation also has its bounds as text and whether it held: "expected":"exactly 3",
// "held":true. Throws std::invalid_argument that names file and field, or says that the file has no timeline.
nlohmann::ordered_json run_document(const std::string& path);

}  // namespace load
