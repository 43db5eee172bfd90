// A report is one self-contained HTML file about finished runs: it includes style, scripts and figures, so it can be
// sent, kept and printed, and loads nothing. It is made from the page's files: report.html, in which
//   <link rel="stylesheet" href="X">           becomes the content of the file X,
//   <script type="module" src="X"></script>    becomes the module X and all that it imports, joined into one, and
//   __RUNS__                                   becomes a JSON array of run documents,
// escaped so that no name or cause in it can end the element around it.
// A joined module is a function: imports must not rename, and a module is not imported by one that it imports.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "load_generator/page/page_files.hpp"

namespace load {

using PageFileSource = std::function<const PageFile*(std::string_view name)>;

// Throws std::logic_error if one of these files is missing, and std::invalid_argument if the report would be larger
// than 64 MiB.
std::string report_page(const nlohmann::ordered_json& runs, const PageFileSource& files = page_file);

}  // namespace load
