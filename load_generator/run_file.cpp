#include "load_generator/run_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "load_generator/latencies.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

json to_json(const Expectation& expectation) {
  json entry{{"measure", expectation.measure}, {"because", expectation.because}};
  if (expectation.at_least) entry["at_least"] = *expectation.at_least;
  if (expectation.at_most) entry["at_most"] = *expectation.at_most;
  return entry;
}

json to_json(const Run& run, const Transition& transition) {
  return {{"at_ms_since_start", to_ms(transition.at)},
          {"instance", run.targets.at(transition.target).name},
          {"generation", transition.generation},
          {"from", to_text(transition.from)},
          {"to", to_text(transition.to)},
          {"cause", transition.cause}};
}

json ledger_json(const Ledger& ledger) {
  json callers = json::object();
  for (const auto& [caller, entry] : ledger) {
    callers[caller] = {{"received", entry.received},
                       {"success", entry.success},
                       {"failure", entry.failure},
                       {"hang", entry.hang},
                       {"drop", entry.drop}};
  }
  return callers;
}

json latencies_json(const Run& run) {
  json statuses = json::object();
  for (const CallStatus status : all_call_statuses) {
    const auto latency = latencies(run, status);
    if (!latency) continue;
    statuses[std::string(to_text(status))] = {
        {"p50", latency->p50}, {"p90", latency->p90}, {"p99", latency->p99}, {"max", latency->max}};
  }
  return statuses;
}

// The moments at which an instance's polled state became another.
json states_json(const std::vector<Sample>& samples) {
  json changes = json::array();
  for (size_t i = 0; i < samples.size(); ++i) {
    if (i > 0 && samples[i].state == samples[i - 1].state && samples[i].local == samples[i - 1].local) continue;
    changes.push_back({{"at_ms_since_start", to_ms(samples[i].at)}, {"state", to_text(samples[i].state)}});
    if (samples[i].local) changes.back()["store"] = "local";
  }
  return changes;
}

json document_of(const Summary& summary, const Run& run) {
  json document{{"name", summary.name},         {"variant", summary.variant},     {"question", summary.question},
                {"measures", summary.measures}, {"length_ms", to_ms(run.length)}, {"latency_ms", latencies_json(run)}};
  document["expectations"] = json::array();
  for (const Expectation& expectation : summary.expectations) document["expectations"].push_back(to_json(expectation));
  document["transitions"] = json::array();
  for (const Transition& transition : run.transitions) document["transitions"].push_back(to_json(run, transition));
  document["states"] = json::object();
  for (size_t i = 0; i < run.samples.size(); ++i) document["states"][run.targets[i].name] = states_json(run.samples[i]);
  if (run.ledger) document["ledger"] = ledger_json(*run.ledger);
  return document;
}

constexpr Between<double> any_number{-1e18, 1e18};

}  // namespace

void write_run_file(const std::string& path, const Summary& summary, const Run& run) {
  std::error_code ignored;  // the line below says it better
  if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty()) {
    std::filesystem::create_directories(folder, ignored);
  }
  std::ofstream file(path, std::ios::binary);
  file << document_of(summary, run).dump(2, ' ', false, json::error_handler_t::replace) << '\n';
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

Summary read_run_file(const std::string& path) {
  const json parsed = read_json_file(path);
  StrictObject document(parsed, path);
  Summary summary;
  summary.name = document.text("name", 64);
  summary.variant = document.text("variant", 64);
  summary.question = document.text("question", 500);
  StrictObject measures = document.object("measures");
  for (const std::string& name : measures.fields()) summary.measures[name] = measures.number(name, any_number);
  for (StrictObject& entry : document.list("expectations", 50)) {
    summary.expectations.push_back(read_expectation(entry));
    entry.done();
  }
  return summary;
}

}  // namespace load
