#include "load_generator/report/report.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <vector>

#include "load_generator/record/latencies.hpp"
#include "load_generator/record/reconciliation.hpp"
#include "load_generator/record/unreachable.hpp"

namespace load {
namespace {

constexpr size_t name_width = 16;
constexpr size_t most_transitions = 30;

double in_seconds(Offset offset) { return std::chrono::duration<double>(offset).count(); }

// The end of a long name, such as a URL, is its most useful part.
std::string short_name(const std::string& name) {
  return name.size() <= name_width ? name : "..." + name.substr(name.size() - (name_width - 3));
}

std::string rates(const Run& run) {
  // The last call is sent one gap before the end, so n calls take n gaps.
  const double gap = run.target_rate > 0 ? 1 / run.target_rate : 0;
  const double achieved =
      run.calls.empty() ? 0 : static_cast<double>(run.calls.size()) / (in_seconds(run.last_send) + gap);
  return fmt::format("{} calls in {:.1f} s; target rate {:.1f}/s, achieved {:.1f}/s{}\n", run.calls.size(),
                     in_seconds(run.length), run.target_rate, achieved, run.interrupted ? " (interrupted)" : "");
}

uint64_t count(const Run& run, size_t target, CallStatus status) {
  return static_cast<uint64_t>(std::count_if(run.calls.begin(), run.calls.end(), [&](const Call& call) {
    return call.target == target && call.status == status;
  }));
}

std::string outcome_row(const Run& run, size_t target) {
  std::string row = fmt::format("{:<{}}", short_name(run.targets[target].name), name_width);
  for (const CallStatus status : all_call_statuses) row += fmt::format("{:>12}", count(run, target, status));
  return row + "\n";
}

std::string outcome_table(const Run& run) {
  std::string table = fmt::format("\nWhat callers got\n{:<{}}", "instance", name_width);
  for (const CallStatus status : all_call_statuses) table += fmt::format("{:>12}", to_text(status));
  table += "\n";
  for (size_t target = 0; target < run.targets.size(); ++target) table += outcome_row(run, target);
  const auto probes = std::count_if(run.calls.begin(), run.calls.end(), [](const Call& call) { return call.probe; });
  const auto late = std::count_if(run.calls.begin(), run.calls.end(), [](const Call& call) { return call.late; });
  return table + fmt::format("among them {} probes, and {} late results that a breaker dropped\n", probes, late);
}

// Empty if every call was answered.
std::string unreachable_table(const Run& run) {
  std::string table;
  for (const auto& [why, calls] : unreachable_calls(run)) {
    table +=
        fmt::format("{:<{}}{:>12}  {}\n", short_name(run.targets.at(why.first).name), name_width, calls, why.second);
  }
  return table.empty() ? "" : "\nWhy calls were unreachable\n" + table;
}

std::string account_row(const Account& account) {
  return fmt::format("{:<{}}{:>12}{:>12}{:>12}{:>14}\n", short_name(account.caller), name_width, account.reported,
                     account.uncertain, account.received, account.unexplained());
}

std::string reconciliation_table(const Run& run) {
  const auto accounts = reconcile(run);
  if (!accounts) return "\nThe upstream's ledger could not be read, so nothing was reconciled.\n";
  std::string table = fmt::format("\nWhat the upstream received, by its own ledger\n{:<{}}{:>12}{:>12}{:>12}{:>14}\n",
                                  "instance", name_width, "reported", "uncertain", "received", "unexplained");
  for (const Account& account : *accounts) table += account_row(account);
  return table + fmt::format("unexplained calls: {}\n", unexplained(*accounts));
}

std::string latency_table(const Run& run) {
  std::string table = fmt::format("\nLatency in ms, from the intended send time\n{:<{}}{:>12}{:>12}{:>12}{:>12}\n",
                                  "outcome", name_width, "p50", "p90", "p99", "max");
  for (const CallStatus status : all_call_statuses) {
    const auto row = latencies(run, status);
    if (!row) continue;
    table += fmt::format("{:<{}}{:>12.1f}{:>12.1f}{:>12.1f}{:>12.1f}\n", to_text(status), name_width, row->p50,
                         row->p90, row->p99, row->max);
  }
  return table;
}

std::string transition_row(const Run& run, const Transition& transition) {
  return fmt::format("{:>8.3f} s  {:<{}} {:>9} > {:<9}  {:.27}\n", in_seconds(transition.at),
                     short_name(run.targets.at(transition.target).name), name_width, to_text(transition.from),
                     to_text(transition.to), transition.cause);
}

std::string transition_table(const Run& run) {
  std::string table = "\nTransitions, with the instance that reported each\n";
  if (run.transitions.empty()) return table + "none\n";
  const size_t shown = std::min(run.transitions.size(), most_transitions);
  for (size_t i = 0; i < shown; ++i) table += transition_row(run, run.transitions[i]);
  const size_t hidden = run.transitions.size() - shown;
  return table + (hidden > 0 ? fmt::format("... and {} more\n", hidden) : "");
}

Offset time_in(State state, const std::vector<Sample>& samples, Offset end) {
  Offset total{0};
  for (size_t i = 0; i < samples.size(); ++i) {
    const Offset until = i + 1 < samples.size() ? samples[i + 1].at : std::max(end, samples[i].at);
    if (samples[i].state == state) total += until - samples[i].at;
  }
  return total;
}

std::string state_table(const Run& run) {
  std::string table = fmt::format("\nSeconds in each state (polled)\n{:<{}}", "instance", name_width);
  for (const State state : all_states) table += fmt::format("{:>12}", to_text(state));
  table += "\n";
  for (size_t target = 0; target < run.samples.size(); ++target) {
    table += fmt::format("{:<{}}", short_name(run.targets[target].name), name_width);
    for (const State state : all_states) {
      table += fmt::format("{:>12.1f}", in_seconds(time_in(state, run.samples[target], run.length)));
    }
    table += "\n";
  }
  return table;
}

}  // namespace

std::string report(const Run& run) {
  return "\n" + rates(run) + outcome_table(run) + unreachable_table(run) + reconciliation_table(run) +
         latency_table(run) + transition_table(run) + state_table(run);
}

}  // namespace load
