#include "load_generator/simulation/against_real.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <set>

#include "load_generator/record/text.hpp"

namespace simulation {
namespace {

struct KnownDifference {
  std::string experiment;
  std::vector<std::string> measures;
  std::string because;
};

// Where the simulation is known to be wrong. If another count of the experiment differs too, the check fails.
const std::vector<KnownDifference>& known_differences() {
  static const std::vector<KnownDifference> known{
      {"race, naive",
       {"upstream_calls", "upstream_failures", "counted_failures", "failure", "blocked", "opened", "closed_again",
        "probes", "failed_probes", "most_probes_at_once", "calls_per_trip", "wasted", "late"},
       "a few cores cannot run ten processes at once, so fewer of them collide"},
      {"race, redis",
       {"opened", "probes", "failed_probes", "counted_failures"},
       "a break lasts 500 ms, and calls come every 100 ms: a millisecond decides which of them probes"},
      {"recovery, simple",
       {"upstream_calls", "success", "blocked"},
       "stage 1's demo has virtual time too, in which a call takes none: each of five breaks ends one call earlier"},
  };
  return known;
}

constexpr double latest_seconds = 0.01;  // that HTTP and a scheduler take

// Most scripts are status polls; the load factor follows from upstream_calls.
bool is_judged(const std::string& measure) {
  return !is_time(measure) && measure != "redis_scripts" && measure != "load_factor";
}

// Counts of calls that a breaker answered in one way or the other, depending on when they came.
bool depends_on_moments(const std::string& measure) {
  static const std::set<std::string> names{"upstream_calls", "upstream_failures", "success", "failure",
                                           "blocked",        "blocked_elsewhere", "late",    "wasted",
                                           "calls_per_trip"};
  return names.contains(measure);
}

std::string text_of(const Difference& difference) {
  const auto& [measure, simulated, real] = difference;
  std::string range = "absent";
  if (simulated) range = load::number_text(simulated->least);
  if (simulated && simulated->most > simulated->least) range += " to " + load::number_text(simulated->most);
  return fmt::format("  {:<24}expected {}, real {}\n", measure, range, real ? load::number_text(*real) : "absent");
}

// Nothing: a difference is unexplained.
const KnownDifference* explanation(const std::string& experiment, const std::vector<Difference>& differences) {
  for (const KnownDifference& known : known_differences()) {
    const auto explains = [&](const Difference& difference) {
      return std::find(known.measures.begin(), known.measures.end(), difference.measure) != known.measures.end();
    };
    if (known.experiment == experiment && std::all_of(differences.begin(), differences.end(), explains)) return &known;
  }
  return nullptr;
}

std::string list(const char* what, const std::vector<std::string>& names) {
  return names.empty() ? "" : fmt::format("{}: {}\n", what, fmt::join(names, "; "));
}

}  // namespace

double calls_in_the_balance(const load::LoadSettings& load) {
  return std::max(static_cast<double>(load.burst), load.rate * latest_seconds);
}

std::vector<Difference> differences(const Distributions& simulated, const load::Measures& real, double calls) {
  size_t seeds = 0;
  for (const auto& [name, values] : simulated) seeds = std::max(seeds, values.size());
  std::vector<Difference> found;
  for (const std::string& name : load::measure_names()) {
    if (!is_judged(name)) continue;
    const auto values = simulated.find(name);
    const auto measured = real.find(name);
    std::optional<Interval> interval;
    if (values != simulated.end()) interval = likely(values->second);
    if (interval && depends_on_moments(name))
      interval = {std::max(0.0, interval->least - calls), interval->most + calls};
    if (measured != real.end()) {
      if (!interval || !interval->has(measured->second)) found.push_back({name, interval, measured->second});
    } else if (interval && values->second.size() == seeds) {
      found.push_back({name, interval, {}});
    }
  }
  return found;
}

std::string RealityCheck::judge(const std::string& experiment, const std::vector<Difference>& found,
                                const std::string& noise) {
  if (found.empty()) {
    ++agreeing_;
    return experiment + ": agrees\n";
  }
  std::string text = experiment + ": ";
  if (const KnownDifference* known = explanation(experiment, found)) {
    known_.push_back(experiment);
    text += "differs, as is known: " + known->because + "\n";
  } else if (!noise.empty()) {
    disturbed_.push_back(experiment);
    text += "differs, but this machine was too busy: " + noise + "\n";
  } else {
    disagreeing_.push_back(experiment);
    text += "DIFFERS\n";
  }
  for (const Difference& difference : found) text += text_of(difference);
  return text;
}

std::string RealityCheck::without_real_run(const std::string& experiment) {
  missing_.push_back(experiment);
  return experiment + ": no real run\n";
}

std::string RealityCheck::summary() const {
  return fmt::format("\n{} real runs agree with the simulation\n", agreeing_) + list("differ, as is known", known_) +
         list("differ, but the machine was too busy", disturbed_) + list("no real run", missing_) +
         list("DIFFER", disagreeing_);
}

}  // namespace simulation
