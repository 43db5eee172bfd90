// A report is one HTML file about finished runs, complete in itself: style, scripts and figures stand in it, so it can
// be sent, kept and printed, and asks nobody for anything. It is made of the page's files: report.html, in which
//   <link rel="stylesheet" href="X"> and <script src="X"></script>    become the content of the file X, and
//   __RUNS__                                                          becomes a JSON array of run documents,
// written so that no name or cause in it can end the element that it stands in.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "load_generator/page/page_files.hpp"

namespace load {

using PageFileSource = std::function<const PageFile*(std::string_view name)>;

// Throws std::logic_error where a file is missing that the report is made of, and std::invalid_argument where the
// report would be larger than 64 MiB.
std::string report_page(const nlohmann::ordered_json& runs, const PageFileSource& files = page_file);

}  // namespace load
