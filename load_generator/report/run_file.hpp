// A finished run, and its file: JSON with its figures, its predictions and what it takes to draw it.
//
// {"name","variant","question",
//  "instances":["Instance-A",..], "length_ms", "shared_breaker":true,   // one breaker for all instances
//  "measures":{..}, "expectations":[{"measure","because","at_least","at_most"}],
//  "machine_noise":"a call was sent 20 ms late",                         // where the machine was too busy
//  "transitions":[..], "states":{..}, "marks":[..], "traffic":{..},      // see timeline_json.hpp
//  "calls":[..],                                                         // all, of a run that made at most 2,000
//  "some_calls":{"from_ms","to_ms","earlier":{"success",..},"calls":[..]},   // of a longer run
//  "faults":[..],                                                        // where known: see faults.hpp
//  "settings":{..}, "played":{"at","world","version","machine","command"},   // where known: see provenance.hpp
//  "latency_ms":{"success":{"p50","p90","p99","max"},..},
//  "ledger":{"Instance-A":{"received","success","failure","hang","drop"},..}}   // where the upstream could be asked
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/record/measures.hpp"
#include "load_generator/record/run_record.hpp"
#include "load_generator/scenario/expectation.hpp"
#include "load_generator/scenario/provenance.hpp"

namespace load {

// The most transitions, states of one instance and marks in a file; of more marks the last are kept.
constexpr size_t longest_list = 200'000;

// Of a run that made more calls, its file has as many from shortly before the first failure on, and no others.
constexpr size_t most_listed_calls = 2000;

// The part of the file that `compare` reads.
struct Summary {
  std::string name;     // outage
  std::string variant;  // redis, redis-quorum
  std::string question;
  Measures measures;
  std::vector<Expectation> expectations;
  std::string machine_noise = {};  // sign that the machine was too busy for its programs; empty: none
};

// A run with its timeline and measures, which are worked out once.
struct FinishedRun {
  Run run;
  Timeline timeline;
  Summary summary;
  std::optional<RunSettings> settings = std::nullopt;  // nothing: not known, as of a run by hand
  std::optional<Played> played = std::nullopt;
};

// `summary` comes without measures.
FinishedRun finish(Run run, Summary summary);

std::string run_name(const Summary& summary);  // outage-redis

// True if its file has all its calls.
bool lists_all_calls(const Run& run);

// The content of its file.
nlohmann::ordered_json run_json(const FinishedRun& finished);

// Makes the folder if needed. Throws std::runtime_error that names the path if it cannot be written.
void write_run_file(const std::string& path, const FinishedRun& finished);

// Both throw std::invalid_argument naming file and field.
Summary read_summary(StrictObject& document);
Summary read_run_file(const std::string& path);

}  // namespace load
