// A run's file for the page and the report that draw it: only the fields that they know, checked and within bounds.
// Names and causes are text from outside: data, never markup.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "load_generator/report/run_file.hpp"

namespace load {

// As in run_file.hpp; each expectation also has its bounds as text and whether it held: "expected":"exactly 3",
// "held":true. Throws std::invalid_argument that names file and field, or says that the file has no timeline.
nlohmann::ordered_json run_document(const std::string& path);

// The same without a file. Of a run of more than 26 instances or 2,000 calls only {"name","variant","length_ms",
// "shared_breaker","measures","expectations"}: it is too large to be drawn.
nlohmann::ordered_json run_document(const FinishedRun& finished);

}  // namespace load
