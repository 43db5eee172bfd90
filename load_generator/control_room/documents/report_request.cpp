#include "load_generator/control_room/documents/report_request.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "load_generator/report/report_page.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

Names split(const std::string& list) {
  Names names;
  size_t from = 0;
  for (size_t comma = list.find(','); comma != std::string::npos; comma = list.find(',', from)) {
    names.push_back(list.substr(from, comma - from));
    from = comma + 1;
  }
  names.push_back(list.substr(from));
  return names;
}

Names names_in(const httplib::Request& request) {
  const std::string list = request.get_param_value("runs");
  if (list.empty()) throw RequestError(400, "runs is missing: the names of finished runs, separated by commas");
  Names names = split(list);
  if (names.size() > most_runs_in_report) {
    throw RequestError(400, "a report may have at most " + std::to_string(most_runs_in_report) + " runs");
  }
  return names;
}

// outage-10 of outage-10-simple and outage-10-redis; "" if they have no beginning in common.
std::string common_beginning(const Names& names) {
  std::string beginning = names.front();
  for (const std::string& name : names) {
    const auto differs = std::mismatch(beginning.begin(), beginning.end(), name.begin(), name.end()).first;
    if (differs != beginning.end()) beginning.erase(beginning.rfind('-', differs - beginning.begin()) + 1);
  }
  while (!beginning.empty() && beginning.back() == '-') beginning.pop_back();
  return beginning;
}

std::string file_name(const Names& names) {
  const std::string beginning = common_beginning(names);
  return (beginning.empty() ? "" : beginning + "-") + "report.html";
}

}  // namespace

void answer_report(const RunsFolder& runs, const httplib::Request& request, httplib::Response& response) {
  const Names names = names_in(request);
  json documents = json::array();
  for (const std::string& name : names) documents.push_back(runs.document(name));
  response.set_content(report_page(documents), "text/html; charset=utf-8");
  response.set_header("Content-Disposition", "attachment; filename=\"" + file_name(names) + "\"");
}

}  // namespace load
