#include "load_generator/chaos/chaos_report.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "load_generator/record/text.hpp"
#include "load_generator/report/atomic_file.hpp"
#include "load_generator/scenario/expectation.hpp"
#include "program/duration.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr milliseconds before_it{2000};
constexpr milliseconds after_it{1000};
constexpr size_t most_lines = 60;
constexpr size_t most_violations = 5;

struct Line {
  Offset at{0};
  std::string text;
};

std::string line_of(const ChaosHistory& history, const Call& call) {
  return fmt::format("  {}: call: {} after {:.0f} ms, generation {}{}{}", history.name_of(call.target),
                     to_text(call.status), to_ms(call.latency), call.generation, call.probe ? ", probe" : "",
                     call.late ? ", late" : "");
}

// Successes and quick rejections would hide the others.
bool is_notable(const Call& call, milliseconds slack) {
  const bool usual = call.status == CallStatus::success || call.status == CallStatus::blocked;
  return call.probe || !usual || call.latency > slack;
}

std::vector<Line> lines_around(const ChaosHistory& history, Offset at) {
  std::vector<Line> lines;
  const auto add = [&](Offset when, const std::string& text) {
    if (when >= at - before_it && when <= at + after_it) lines.push_back({when, text});
  };
  for (const ChaosEvent& event : history.events) add(event.at, event.text);
  for (const LogLine& line : history.log) add(line.at, "  " + history.name_of(line.target) + ": " + line.text);
  for (const Call& call : history.run.calls) {
    if (is_notable(call, history.settings.slack)) add(call.intended, line_of(history, call));
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.at < b.at; });
  return lines;
}

// The nearest lines, if there are many.
std::string events_around(const ChaosHistory& history, Offset at) {
  const std::vector<Line> lines = lines_around(history, at);
  const auto middle = std::find_if(lines.begin(), lines.end(), [&](const Line& line) { return line.at >= at; });
  const auto first = middle - lines.begin() > static_cast<std::ptrdiff_t>(most_lines / 2)
                         ? middle - static_cast<std::ptrdiff_t>(most_lines / 2)
                         : lines.begin();
  std::string text;
  for (auto line = first; line != lines.end() && line - first < static_cast<std::ptrdiff_t>(most_lines); ++line) {
    text += fmt::format("{:>9.3f} s  {}\n", to_ms(line->at) / 1000, line->text);
  }
  return text;
}

std::string row(const Verdict& verdict) {
  return fmt::format("{:<10} {:<34} {:>10} {:>10}   {}\n", verdict.check, verdict.what, number_text(verdict.measured),
                     number_text(verdict.at_most), verdict.violations.empty() ? "held" : "NOT HELD");
}

std::string violations_of(const ChaosHistory& history, const Verdict& verdict) {
  std::string text = "\n" + verdict.check + ": NOT HELD\n";
  const size_t shown = std::min(verdict.violations.size(), most_violations);
  for (size_t i = 0; i < shown; ++i) {
    text += fmt::format("{:>9.3f} s  {}\n", to_ms(verdict.violations[i].at) / 1000, verdict.violations[i].text);
  }
  if (verdict.violations.size() > shown) text += fmt::format("... and {} more\n", verdict.violations.size() - shown);
  return text + "events around the first of them:\n" + events_around(history, verdict.violations.front().at);
}

std::string command(const ChaosSettings& settings) {
  return fmt::format("load_generator chaos --seed {} --duration {} --instances {} --rate {} --slack {}{}",
                     settings.seed, program::to_text(settings.duration), settings.instances, settings.rate,
                     program::to_text(settings.slack), settings.sentinel ? " --sentinel" : "");
}

json to_json(const ChaosSettings& settings, const ChaosBreaker& breaker) {
  return {{"command", command(settings)},
          {"failure_threshold", breaker.failure_threshold},
          {"permitted_calls_in_half_open", breaker.permitted_calls_in_half_open},
          {"recovery_timeout_ms", breaker.recovery_timeout.count()},
          {"probe_timeout_ms", breaker.probe_timeout.count()},
          {"call_timeout_ms", breaker.call_timeout.count()}};
}

json to_json(const ChaosHistory& history, const Call& call) {
  json entry{{"at_ms", to_ms(call.intended)},  {"instance", history.name_of(call.target)},
             {"status", to_text(call.status)}, {"latency_ms", to_ms(call.latency)},
             {"generation", call.generation},  {"upstream_calls", call.upstream_calls}};
  if (call.probe) entry["probe"] = true;
  if (call.late) entry["late"] = true;
  return entry;
}

json to_json(const ChaosHistory& history, const Transition& transition) {
  return {{"at_ms", to_ms(transition.at)},       {"instance", history.name_of(transition.target)},
          {"generation", transition.generation}, {"from", to_text(transition.from)},
          {"to", to_text(transition.to)},        {"cause", transition.cause}};
}

json to_json(const Verdict& verdict) {
  json violations = json::array();
  for (const Violation& each : verdict.violations)
    violations.push_back({{"at_ms", to_ms(each.at)}, {"what", each.text}});
  return {{"check", verdict.check},
          {"what", verdict.what},
          {"measured", verdict.measured},
          {"at_most", verdict.at_most},
          {"violations", violations}};
}

json ledger_json(const Ledger& ledger) {
  json callers = json::object();
  for (const auto& [caller, entry] : ledger) callers[caller] = entry.received;
  return callers;
}

json document_of(const ChaosHistory& history, const std::vector<Verdict>& verdicts) {
  json document{{"settings", to_json(history.settings, history.breaker)}, {"well_at_ms", to_ms(history.healthy_from)}};
  for (const Verdict& verdict : verdicts) document["verdicts"].push_back(to_json(verdict));
  for (const ChaosEvent& event : history.events)
    document["deeds"].push_back({{"at_ms", to_ms(event.at)}, {"what", event.text}});
  for (const Absence& absence : history.absences) {
    document["absences"].push_back({{"instance", history.name_of(absence.target)},
                                    {"from_ms", to_ms(absence.from)},
                                    {"until_ms", to_ms(absence.until)}});
  }
  for (const Transition& each : history.run.transitions) document["transitions"].push_back(to_json(history, each));
  for (const LogLine& line : history.log) {
    document["log"].push_back(
        {{"at_ms", to_ms(line.at)}, {"instance", history.name_of(line.target)}, {"message", line.text}});
  }
  if (history.run.ledger) document["ledger"] = ledger_json(*history.run.ledger);
  for (const Call& call : history.run.calls) document["calls"].push_back(to_json(history, call));
  return document;
}

}  // namespace

std::string report(const ChaosHistory& history, const std::vector<Verdict>& verdicts) {
  std::string text = fmt::format("\n{:<10} {:<34} {:>10} {:>10}\n", "check", "", "measured", "at most");
  for (const Verdict& verdict : verdicts) text += row(verdict);
  for (const Verdict& verdict : verdicts) {
    if (!verdict.violations.empty()) text += violations_of(history, verdict);
  }
  return text + (all_held(verdicts) ? "\nall held, " : "\nNOT HELD, see above; to repeat it: ") +
         (all_held(verdicts) ? fmt::format("seed {}\n", history.settings.seed) : command(history.settings) + "\n");
}

void write_history(const std::string& path, const ChaosHistory& history, const std::vector<Verdict>& verdicts) {
  write_file(path, document_of(history, verdicts).dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace load
