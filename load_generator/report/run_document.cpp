#include "load_generator/report/run_document.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/scenario/provenance.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

constexpr size_t most_instances = 26;
constexpr size_t longest_name = 400;  // a URL, if the instance's name is not known
constexpr size_t longest_cause = 1000;
constexpr size_t most_callers = 1001;  // a thousand, and "(others)"
constexpr double day_ms = 24.0 * 3600 * 1000;
constexpr double slack_ms = 3600.0 * 1000;  // the last answer arrives after the last call
constexpr Between<double> lengths{0, day_ms + slack_ms};
constexpr double preparation_ms = 60.0 * 1000;  // an override before the first call is a transition, too
constexpr Between<double> times{-preparation_ms, day_ms + slack_ms};
constexpr Between<double> steps{1, slack_ms};
constexpr Between<double> durations{0, day_ms + slack_ms};
constexpr Between<int64_t> any_count{0, INT64_MAX};
constexpr size_t most_steps = 100'000;

// The times of a list, which must be in order.
class Times {
 public:
  double next(StrictObject& entry) {
    const double at = entry.number("at_ms_since_start", times);
    if (at < last_) entry.complain("at_ms_since_start", "at or after that of the previous entry");
    return last_ = at;
  }

 private:
  double last_ = times.lowest;
};

Names as_seen(Names names) {
  std::transform(names.begin(), names.end(), names.begin(), without_unseen_marks);
  return names;
}

Names instances_in(StrictObject& file) {
  Names names = file.texts("instances", most_instances, longest_name);
  const Names seen = as_seen(names);
  if (std::set<std::string>(seen.begin(), seen.end()).size() != names.size()) {
    file.complain("instances", "names without duplicates");
  }
  return names;
}

// Not one_of(): that would build its error message's list for each of tens of thousands of entries.
std::string instance_in(StrictObject& entry, const Names& instances) {
  const std::string name = entry.any_text("instance", longest_name);
  if (std::find(instances.begin(), instances.end(), name) == instances.end()) {
    entry.complain("instance", "one of the run's instances");
  }
  return without_unseen_marks(name);
}

std::string state_in(StrictObject& entry, const std::string& field) {
  static const Names names{"closed", "open", "half_open", "unknown"};
  return entry.one_of(field, names);
}

std::string status_in(StrictObject& entry) {
  static const Names names{"success", "failure", "exception", "blocked", "unreachable"};
  return entry.one_of("status", names);
}

json expectations_of(const Summary& summary) {
  json entries = json::array();
  for (const Expectation& expectation : summary.expectations) {
    json entry = to_json(expectation);
    entry["expected"] = bounds(expectation);
    entry["held"] = holds(expectation, summary.measures);
    entries.push_back(std::move(entry));
  }
  return entries;
}

json transitions_in(StrictObject& file, const Names& instances) {
  json entries = json::array();
  Times time;
  for (StrictObject& entry : file.list("transitions", longest_list)) {
    entries.push_back({{"at_ms_since_start", time.next(entry)},
                       {"instance", instance_in(entry, instances)},
                       {"generation", entry.integer("generation", any_count)},
                       {"from", state_in(entry, "from")},
                       {"to", state_in(entry, "to")},
                       {"cause", without_unseen_marks(entry.any_text("cause", longest_cause))}});
  }
  return entries;
}

json lane_in(StrictObject& states, const std::string& instance) {
  json points = json::array();
  Times time;
  for (StrictObject& entry : states.list(instance, longest_list)) {
    json point{{"at_ms_since_start", time.next(entry)}, {"state", state_in(entry, "state")}};
    if (entry.has("store")) point["store"] = entry.one_of("store", {"local"});
    points.push_back(std::move(point));
  }
  return points;
}

json states_in(StrictObject& file, const Names& instances) {
  StrictObject states = file.object("states");
  json lanes = json::object();
  for (const std::string& instance : instances) lanes[without_unseen_marks(instance)] = lane_in(states, instance);
  states.done();
  return lanes;
}

json marks_in(StrictObject& file, const Names& instances) {
  json entries = json::array();
  Times time;
  for (StrictObject& entry : file.list("marks", longest_list)) {
    json mark{{"at_ms_since_start", time.next(entry)},
              {"instance", instance_in(entry, instances)},
              {"status", status_in(entry)}};
    for (const char* flag : {"probe", "late", "wasted"}) {
      if (entry.has(flag) && entry.boolean(flag)) mark[flag] = true;
    }
    entries.push_back(std::move(mark));
  }
  return entries;
}

json calls_in(StrictObject& file, const Names& instances) {
  json entries = json::array();
  Times time;
  for (StrictObject& entry : file.list("calls", most_listed_calls)) {
    json call{{"at_ms_since_start", time.next(entry)},
              {"took_ms", entry.number("took_ms", durations)},
              {"instance", instance_in(entry, instances)},
              {"status", status_in(entry)},
              {"upstream_calls", entry.integer("upstream_calls", any_count)}};
    for (const char* flag : {"probe", "late"}) {
      if (entry.has(flag) && entry.boolean(flag)) call[flag] = true;
    }
    entries.push_back(std::move(call));
  }
  return entries;
}

json some_calls_in(StrictObject& file, const Names& instances) {
  StrictObject some = file.object("some_calls");
  StrictObject earlier = some.object("earlier");
  json counts = json::object();
  for (const CallStatus status : all_call_statuses) {
    const std::string name(to_text(status));
    counts[name] = earlier.integer(name, any_count);
  }
  return {{"from_ms", some.number("from_ms", times)},
          {"to_ms", some.number("to_ms", times)},
          {"earlier", std::move(counts)},
          {"calls", calls_in(some, instances)}};
}

json traffic_in(StrictObject& file) {
  StrictObject traffic = file.object("traffic");
  json result{{"step_ms", traffic.number("step_ms", steps)}};
  for (const char* series : {"upstream_calls", "upstream_failures", "blocked"}) {
    result[series] = traffic.counts(series, most_steps);
    if (result[series].size() != result["upstream_calls"].size()) {
      traffic.complain(series, "as long as upstream_calls");
    }
  }
  return result;
}

json latency_in(StrictObject& file) {
  StrictObject statuses = file.object("latency_ms");
  json result = json::object();
  for (const CallStatus status : all_call_statuses) {
    const std::string name(to_text(status));
    if (!statuses.has(name)) continue;
    StrictObject figures = statuses.object(name);
    for (const char* figure : {"p50", "p90", "p99", "max"}) result[name][figure] = figures.number(figure, durations);
  }
  return result;
}

json unreachable_in(StrictObject& file, const Names& instances) {
  json entries = json::array();
  for (StrictObject& entry : file.list("unreachable", longest_list)) {
    entries.push_back({{"instance", instance_in(entry, instances)},
                       {"error", without_unseen_marks(entry.any_text("error", longest_cause))},
                       {"calls", entry.integer("calls", any_count)}});
  }
  return entries;
}

json ledger_in(StrictObject& file) {
  StrictObject ledger = file.object("ledger");
  json callers = json::object();
  if (ledger.fields().size() > most_callers) {
    file.complain("ledger", "an object of at most " + std::to_string(most_callers) + " callers");
  }
  for (const std::string& caller : ledger.fields()) {
    StrictObject entry = ledger.object(caller);
    json& counts = callers[caller];
    for (const char* fate : {"received", "success", "failure", "hang", "drop"}) {
      counts[fate] = entry.integer(fate, any_count);
    }
  }
  return callers;
}

void require_timeline(const StrictObject& file, const std::string& source) {
  for (const char* field : {"instances", "shared_breaker", "marks", "traffic"}) {
    if (!file.has(field)) throw std::invalid_argument(source + " has no timeline; run it again");
  }
}

json checked(const json& content, const std::string& source) {
  StrictObject file(content, source);
  const Summary summary = read_summary(file);
  require_timeline(file, source);
  const Names instances = instances_in(file);
  json document{{"name", summary.name},
                {"variant", summary.variant},
                {"question", summary.question},
                {"instances", as_seen(instances)},
                {"length_ms", file.number("length_ms", lengths)},
                {"shared_breaker", file.boolean("shared_breaker")},
                {"measures", summary.measures},
                {"expectations", expectations_of(summary)},
                {"transitions", transitions_in(file, instances)},
                {"states", states_in(file, instances)},
                {"marks", marks_in(file, instances)},
                {"traffic", traffic_in(file)},
                {"latency_ms", latency_in(file)}};
  if (file.has("calls")) document["calls"] = calls_in(file, instances);
  if (file.has("some_calls")) document["some_calls"] = some_calls_in(file, instances);
  if (file.has("settings")) document["settings"] = settings_in(file);
  if (file.has("faults")) document["faults"] = faults_in(file);
  if (file.has("played")) document["played"] = played_in(file);
  if (file.has("unreachable")) document["unreachable"] = unreachable_in(file, instances);
  if (file.has("ledger")) document["ledger"] = ledger_in(file);
  return document;
}

json short_document(const FinishedRun& finished) {
  return {{"name", finished.summary.name},           {"variant", finished.summary.variant},
          {"length_ms", to_ms(finished.run.length)}, {"shared_breaker", finished.run.shared_breaker},
          {"measures", finished.summary.measures},   {"expectations", expectations_of(finished.summary)}};
}

}  // namespace

json run_document(const std::string& path) { return checked(read_json_file(path), path); }

json run_document(const FinishedRun& finished) {
  const bool can_be_drawn = finished.run.targets.size() <= most_instances && lists_all_calls(finished.run);
  return can_be_drawn ? checked(run_json(finished), run_name(finished.summary)) : short_document(finished);
}

}  // namespace load
