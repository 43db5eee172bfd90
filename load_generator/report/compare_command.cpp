#include "load_generator/report/compare_command.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "load_generator/report/atomic_file.hpp"
#include "load_generator/report/compare.hpp"
#include "load_generator/report/report_page.hpp"
#include "load_generator/report/run_document.hpp"

namespace load {
namespace {

void require_no_run_replaced(const CompareOptions& options) {
  const auto would_be_replaced = [&options](const std::string& run) {
    std::error_code ignored;
    return std::filesystem::equivalent(run, options.html, ignored);
  };
  if (options.html.ends_with(".json") || std::any_of(options.files.begin(), options.files.end(), would_be_replaced)) {
    throw std::invalid_argument("--html is " + options.html +
                                ", which would replace a run; choose another name for the report");
  }
}

}  // namespace

int compare_command(const CompareOptions& options) {
  require_no_run_replaced(options);
  std::vector<Summary> runs;
  for (const std::string& file : options.files) runs.push_back(read_run_file(file));
  std::cout << comparison(runs);
  if (!options.html.empty()) {
    auto documents = nlohmann::ordered_json::array();
    for (const std::string& file : options.files) documents.push_back(run_document(file));
    write_file(options.html, report_page(documents));
    std::cout << "the report: " << options.html << "\n";
  }
  return every_expectation_held(runs) ? 0 : 1;
}

}  // namespace load
