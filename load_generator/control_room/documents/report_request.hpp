// GET /report?runs=outage-10-simple,outage-10-redis: the report of finished runs, as a file to keep.
#pragma once

#include <httplib.h>

#include "load_generator/control_room/runs_folder.hpp"

namespace load {

constexpr size_t most_runs_in_report = 12;

// Answers with report_page() as the download outage-10-report.html. Throws RequestError: 400 without runs or with more
// than most_runs_in_report; for each run as RunsFolder::document(). Throws std::invalid_argument if it were too large.
void answer_report(const RunsFolder& runs, const httplib::Request& request, httplib::Response& response);

}  // namespace load
