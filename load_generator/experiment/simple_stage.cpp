#include "load_generator/experiment/simple_stage.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "load_generator/fleet/fleet.hpp"
#include "load_generator/scenario/strict_json.hpp"
#include "program/duration.hpp"
#include "program/processes/temporary_folder.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;

constexpr Between<int64_t> epoch_ms{0, 1LL << 50};
constexpr Between<int64_t> generations{0, INT64_MAX};
constexpr size_t most_entries = 1'000'000;
constexpr milliseconds longest_run{60'000};

std::vector<std::string> arguments_for(const Scenario& scenario, const Variant& variant, const std::string& out) {
  const double attempts = scenario.load.rate * static_cast<double>(scenario.load.duration.count()) / 1000;
  const auto interval = milliseconds(std::lround(1000 / scenario.load.rate));
  std::vector<std::string> arguments{binaries_folder() + "/simple_breaker",
                                     "--fast",
                                     "--attempts",
                                     std::to_string(std::lround(attempts)),
                                     "--interval",
                                     program::to_text(interval),
                                     "--plan",
                                     scenario.plan,
                                     "--seed",
                                     std::to_string(scenario.upstream_seed),
                                     "--out",
                                     out};
  for (const std::string& option : options(variant.breaker)) arguments.push_back(option);
  return arguments;
}

void wait_for(program::ChildProcess& process, const std::string& source, const program::StopSignal& stop) {
  const auto deadline = std::chrono::steady_clock::now() + longest_run;
  while (true) {
    const auto exit_code = process.wait(milliseconds(50));
    if (exit_code == 0) return;
    require_settings_accepted(process, source);
    if (exit_code) throw std::runtime_error("simple_breaker failed: " + process.output());
    if (stop.requested()) throw std::runtime_error("interrupted");
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("simple_breaker has not ended in a minute");
  }
}

Transition read_transition(StrictObject entry) {
  Transition transition;
  transition.at = milliseconds(entry.integer("at_ms", epoch_ms));
  transition.generation = static_cast<uint64_t>(entry.integer("generation", generations));
  transition.from = state_from(entry.text("from", 20));
  transition.to = state_from(entry.text("to", 20));
  transition.cause = entry.text("cause", 200);
  return transition;
}

// The generation that admitted a call made at `at`: the call's own transition came after it.
uint64_t generation_at(const std::vector<Transition>& transitions, Offset at) {
  uint64_t generation = 0;
  for (const Transition& transition : transitions) {
    if (transition.at < at) generation = transition.generation;
  }
  return generation;
}

void add_attempt(Run& run, StrictObject entry) {
  Call call;
  call.intended = milliseconds(entry.integer("at_ms", epoch_ms));
  call.status = *call_status_from(entry.one_of("status", {"success", "failure", "exception", "blocked"}));
  call.upstream_calls = usual_upstream_calls(call.status);
  call.probe = entry.has("probe") && entry.boolean("probe");
  call.generation = generation_at(run.transitions, call.intended);
  run.samples[0].push_back({call.intended, state_from(entry.text("state", 20))});
  run.calls.push_back(call);
}

Ledger ledger_of(const Run& run) {
  LedgerEntry entry;
  for (const Call& call : run.calls) {
    entry.success += call.status == CallStatus::success ? 1 : 0;
    entry.failure += call.status == CallStatus::failure ? 1 : 0;
    entry.hang += call.status == CallStatus::exception ? 1 : 0;
  }
  entry.received = entry.success + entry.failure + entry.hang;
  return {{run.targets[0].name, entry}};
}

void start_at_zero(Run& run) {
  if (run.calls.empty()) return;
  const Offset start = run.calls.front().intended;
  for (Call& call : run.calls) call.intended -= start;
  for (Sample& sample : run.samples[0]) sample.at -= start;
  for (Transition& transition : run.transitions) transition.at -= start;
  run.length = run.last_send = run.calls.back().intended;
}

}  // namespace

Run run_simple_stage(const Scenario& scenario, const Variant& variant, const program::StopSignal& stop) {
  const program::TemporaryFolder folder;
  const std::string out = folder.path() / "simple.json";
  program::ChildProcess process(arguments_for(scenario, variant, out));
  wait_for(process, settings_source(scenario, variant), stop);
  Run run = read_simple_file(out);
  run.target_rate = scenario.load.rate;
  return run;
}

Run read_simple_file(const std::string& path) {
  const auto json = read_json_file(path);
  StrictObject document(json, path);
  Run run;
  run.targets = {{"simple_breaker", ""}};
  run.samples.resize(1);
  for (const StrictObject& entry : document.list("transitions", most_entries)) {
    run.transitions.push_back(read_transition(entry));
  }
  for (const StrictObject& entry : document.list("attempts", most_entries)) add_attempt(run, entry);
  run.ledger = ledger_of(run);
  start_at_zero(run);
  return run;
}

}  // namespace load
