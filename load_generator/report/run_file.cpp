#include "load_generator/report/run_file.hpp"

#include <algorithm>
#include <numeric>

#include "load_generator/record/latencies.hpp"
#include "load_generator/record/unreachable.hpp"
#include "load_generator/report/atomic_file.hpp"
#include "load_generator/report/timeline_json.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

// Steps of traffic that a chart can show.
constexpr Offset short_run = std::chrono::minutes(1);
constexpr Offset fine_step = std::chrono::milliseconds(200);
constexpr Offset coarse_step = std::chrono::seconds(1);

constexpr Offset before_first_failure = std::chrono::milliseconds(200);

constexpr Between<double> any_number{-1e18, 1e18};
constexpr size_t longest_run_name = 3 * 64;  // 64 bytes; a byte that is not UTF-8 is written as three

json ledger_json(const Ledger& ledger) {
  json callers = json::object();
  for (const auto& [caller, entry] : ledger) {
    callers[caller] = {{"received", whole_in_json(entry.received)},
                       {"success", whole_in_json(entry.success)},
                       {"failure", whole_in_json(entry.failure)},
                       {"hang", whole_in_json(entry.hang)},
                       {"drop", whole_in_json(entry.drop)}};
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

json unreachable_json(const Run& run) {
  json entries = json::array();
  for (const auto& [why, calls] : unreachable_calls(run)) {
    entries.push_back(
        {{"instance", run.targets.at(why.first).name}, {"error", why.second}, {"calls", whole_in_json(calls)}});
  }
  return entries;
}

json names_json(const std::vector<Target>& targets) {
  json names = json::array();
  for (const Target& target : targets) names.push_back(target.name);
  return names;
}

// The page and the report read no more.
std::vector<Mark> last_of(std::vector<Mark> marks) {
  if (marks.size() > longest_list) marks.erase(marks.begin(), marks.end() - longest_list);
  return marks;
}

std::vector<Call> as_sent(std::vector<Call> calls) {
  const auto sent = [](const Call& call) { return call.intended + call.sent_late; };
  std::stable_sort(calls.begin(), calls.end(), [&](const Call& a, const Call& b) { return sent(a) < sent(b); });
  return calls;
}

bool knows_all_calls(const Run& run) {
  return std::accumulate(run.unlisted.begin(), run.unlisted.end(), uint64_t{0}) == 0;
}

bool is_failure(const Call& call) { return call.status == CallStatus::failure || call.status == CallStatus::exception; }

// The first of the listed calls: as many are listed as can be.
size_t first_listed(const std::vector<Call>& calls) {
  const auto failed = std::find_if(calls.begin(), calls.end(), is_failure);
  const Offset from = failed == calls.end() ? Offset(0) : failed->intended + failed->sent_late - before_first_failure;
  const auto sent_before = [](const Call& call, Offset time) { return call.intended + call.sent_late < time; };
  const auto first = std::lower_bound(calls.begin(), calls.end(), from, sent_before);
  return std::min(static_cast<size_t>(first - calls.begin()), calls.size() - most_listed_calls);
}

json counts_json(const std::vector<Call>& calls, size_t first) {
  json counts = json::object();
  for (const CallStatus status : all_call_statuses) {
    const auto is_one = [status](const Call& call) { return call.status == status; };
    counts[std::string(to_text(status))] =
        std::count_if(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(first), is_one);
  }
  return counts;
}

json some_calls_json(const Run& run) {
  const std::vector<Call> calls = as_sent(run.calls);
  const size_t first = first_listed(calls);
  const auto begin = calls.begin() + static_cast<std::ptrdiff_t>(first);
  const std::vector<Call> listed(begin, begin + most_listed_calls);
  return {{"from_ms", first == 0 ? 0.0 : to_ms(listed.front().intended + listed.front().sent_late)},
          {"to_ms", to_ms(listed.back().intended + listed.back().sent_late)},
          {"earlier", counts_json(calls, first)},
          {"calls", calls_json(run.targets, listed)}};
}

json figures_of(const FinishedRun& finished) {
  const Run& run = finished.run;
  const Summary& summary = finished.summary;
  json document{{"name", summary.name},           {"variant", summary.variant},
                {"question", summary.question},   {"instances", names_json(run.targets)},
                {"length_ms", to_ms(run.length)}, {"shared_breaker", run.shared_breaker},
                {"measures", summary.measures},   {"expectations", json::array()}};
  for (const Expectation& expectation : summary.expectations) document["expectations"].push_back(to_json(expectation));
  if (!summary.machine_noise.empty()) document["machine_noise"] = summary.machine_noise;
  return document;
}

}  // namespace

bool lists_all_calls(const Run& run) { return run.calls.size() <= most_listed_calls && knows_all_calls(run); }

json run_json(const FinishedRun& finished) {
  const Run& run = finished.run;
  json document = figures_of(finished);
  document["transitions"] = transitions_json(run.targets, run.transitions);
  document["states"] = states_json(run.targets, finished.timeline.lanes);
  document["marks"] = marks_json(run.targets, last_of(finished.timeline.marks));
  document["traffic"] = traffic_json(traffic(run, run.length <= short_run ? fine_step : coarse_step));
  document["latency_ms"] = latencies_json(run);
  if (lists_all_calls(run))
    document["calls"] = calls_json(run.targets, as_sent(run.calls));
  else if (knows_all_calls(run))
    document["some_calls"] = some_calls_json(run);
  if (finished.settings) document["settings"] = to_json(*finished.settings);
  if (finished.settings) document["faults"] = to_json(finished.settings->faults);
  if (finished.played) document["played"] = to_json(*finished.played);
  if (auto unreachable = unreachable_json(run); !unreachable.empty()) document["unreachable"] = std::move(unreachable);
  if (run.ledger) document["ledger"] = ledger_json(*run.ledger);
  return document;
}

FinishedRun finish(Run run, Summary summary) {
  Timeline timeline = load::timeline(run);
  summary.measures = measure(run, timeline);
  return {std::move(run), std::move(timeline), std::move(summary)};
}

std::string run_name(const Summary& summary) { return summary.name + "-" + summary.variant; }

void write_run_file(const std::string& path, const FinishedRun& finished) {
  write_file(path, run_json(finished).dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

Summary read_summary(StrictObject& document) {
  Summary summary;
  summary.name = document.text("name", longest_run_name);
  summary.variant = document.text("variant", 64);
  summary.question = document.text("question", 500);
  StrictObject measures = document.object("measures");
  for (const std::string& name : measures.fields()) summary.measures[name] = measures.number(name, any_number);
  for (StrictObject& entry : document.list("expectations", 50)) {
    summary.expectations.push_back(read_expectation(entry));
    entry.done();
  }
  if (document.has("machine_noise")) summary.machine_noise = document.text("machine_noise", 500);
  return summary;
}

Summary read_run_file(const std::string& path) {
  const json parsed = read_json_file(path);
  StrictObject document(parsed, path);
  return read_summary(document);
}

}  // namespace load
