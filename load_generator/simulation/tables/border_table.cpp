#include "load_generator/simulation/tables/border_table.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include "load_generator/load/schedule.hpp"
#include "load_generator/simulation/fleet/simulated_fleet.hpp"

namespace simulation {
namespace {

using namespace std::chrono_literals;
using load::CallStatus;

constexpr auto fault_begins = 10s;
constexpr auto fault_ends = 40s;
constexpr auto calls_end = 60s;
constexpr auto fleet_starts_in = 1s;
constexpr std::array traffics{0.1, 1.0, 10.0, 100.0};
constexpr std::array sharing_names{"each", "one", "quorum"};
constexpr double enough_calls = 4000;
constexpr double most_runs = 20;
constexpr double alike = 1.1;

class BorderRun final : private FleetFollower {
 public:
  BorderRun(const FleetSettings& settings, size_t cut_off) : cut_off_(cut_off), fleet_(settings, *this) {}

  Cost play(const std::vector<load::PlannedCall>& calls) {
    EventLoop& loop = fleet_.loop();
    const TimePoint start = fleet_.settings().plan_starts;
    for (Node i = 0; i < fleet_.size(); ++i) fleet_.start(i, fleet_.random().between(0us, fleet_starts_in / 2));
    for (Node i = 0; i < cut_off_; ++i) loop.at(start + fault_begins, [=, this] { network().cut(i, upstream_node); });
    loop.at(start + fault_ends, [this] { network().heal(); });
    for (const load::PlannedCall& call : calls) {
      loop.run_until(start + call.due);
      fleet_.send(call.target, call.due);
    }
    while (fleet_.calls_in_flight() > 0) loop.run_until(loop.now() + 100ms);
    return cost_;
  }

 private:
  Network& network() { return fleet_.network(); }

  void noticed(Node /*instance*/, cb::NoticeKind /*kind*/, const cb::Transition& /*what*/) override {}

  void call_ended(const load::Call& call) override {
    if (call.status == CallStatus::blocked) cost_.turned_away += chance_of_success(static_cast<Node>(call.target));
    if (call.status == CallStatus::failure || call.status == CallStatus::exception) ++cost_.failed;
  }

  double chance_of_success(Node instance) {
    if (network().is_cut(instance, upstream_node)) return 0;
    return 1 - fleet_.upstream().fault_at(fleet_.now()).failure_rate;
  }

  const size_t cut_off_;
  Cost cost_;
  SimulatedFleet fleet_;
};

FleetSettings fleet_of(const BorderCase& what, size_t instances) {
  FleetSettings settings{.instances = instances, .policy = what.policy};
  settings.stage = what.sharing == Sharing::each ? load::Stage::distributed : load::Stage::redis;
  if (what.sharing == Sharing::quorum)
    settings.policy.minimum_reporting_instances = std::max(2, static_cast<int>(instances / 2));
  settings.plan_starts = settings.start + fleet_starts_in;
  settings.plan = fmt::format("healthy {}s, flaky {} {}s, healthy", fault_begins.count(), what.failing,
                              (fault_ends - fault_begins).count());
  return settings;
}

std::string in_short(double calls) {
  if (calls >= 9950) return fmt::format("{:.0f}k", calls / 1000);
  if (calls >= 999.5) return fmt::format("{:.1f}k", calls / 1000);
  return fmt::format("{:.{}f}", calls, calls >= 0.05 && calls < 9.95 ? 1 : 0);
}

std::string better(double each, double one) {
  const double least = std::min(each, one);
  const double most = std::max(each, one);
  if (most <= least * alike) return "alike";
  return fmt::format("{} {:.1f}x", each < one ? "EACH" : "ONE", most / std::max(least, 1.0));
}

// A line for each design, and one that compares the first two.
void print_fault(const std::string& name, BorderCase what, const BorderOptions& options) {
  std::array<std::array<double, traffics.size()>, sharing_names.size()> totals{};
  for (size_t design = 0; design < sharing_names.size(); ++design) {
    what.sharing = static_cast<Sharing>(design);
    std::cout << fmt::format("{:<9} {:<7}", design == 0 ? name : "", sharing_names[design]);
    for (size_t i = 0; i < traffics.size(); ++i) {
      what.traffic = traffics[i];
      const Cost cost = cost_of(what, options);
      totals[design][i] = cost.total();
      std::cout << fmt::format("{:>15}", in_short(cost.failed) + " + " + in_short(cost.turned_away)) << std::flush;
    }
    std::cout << "\n";
  }
  std::cout << fmt::format("{:<17}", "");
  for (size_t i = 0; i < traffics.size(); ++i) std::cout << fmt::format("{:>15}", better(totals[0][i], totals[1][i]));
  std::cout << "\n" << std::flush;
}

void print_policy(const char* title, const cb::Policy& policy, const BorderOptions& options,
                  const program::StopSignal& stop) {
  std::cout << title << "\n" << fmt::format("{:<17}", "calls a second");
  for (const double traffic : traffics) std::cout << fmt::format("{:>15}", traffic);
  std::cout << "\n";
  for (const double share : {0.01, 0.05, 0.1, 0.2, 0.5, 1.0}) {
    const std::string name = fmt::format("{:.0f} % fail", share * 100);
    if (!stop.requested()) print_fault(name, {.policy = policy, .failing = share}, options);
  }
  for (const double share : {0.1, 0.3, 0.5}) {
    const auto cut_off = static_cast<size_t>(std::ceil(share * static_cast<double>(options.instances)));
    const std::string name = fmt::format("{} cut off", cut_off);
    if (!stop.requested()) print_fault(name, {.policy = policy, .cut_off = cut_off}, options);
  }
}

}  // namespace

cb::Policy failures_in_a_row() { return {.failure_threshold = 5}; }
cb::Policy failure_rate() { return {.failure_threshold = 0, .failure_rate_threshold = 0.5}; }

Cost cost_of(const BorderCase& what, const BorderOptions& options) {
  load::LoadSettings load{.rate = what.traffic * static_cast<double>(options.instances),
                          .duration = calls_end,
                          .arrivals = load::Arrivals::poisson,
                          .spread = load::Spread::random};
  FleetSettings settings = fleet_of(what, options.instances);
  const double calls = load.rate * std::chrono::duration<double>(calls_end).count();
  const double runs = std::clamp(std::ceil(enough_calls / calls), 1.0, most_runs);
  Cost mean;
  for (uint64_t run = 0; run < static_cast<uint64_t>(runs); ++run) {
    settings.seed = load.seed = options.seed + run;
    const Cost cost = BorderRun(settings, what.cut_off).play(load::plan_calls(load, options.instances));
    mean.failed += cost.failed / runs;
    mean.turned_away += cost.turned_away / runs;
  }
  return mean;
}

int print_border(const BorderOptions& options, const program::StopSignal& stop) {
  std::cout << fmt::format(
      "{} instances. A fault of {} s: the upstream fails a share of the calls, or\n"
      "some instances are cut off from it. Each cell: calls that failed + good calls\n"
      "that were turned away. Cost is their sum: one counts as much as the other.\n"
      "\"quorum\": the shared breaker opens if half of the instances see failures.\n",
      options.instances, (fault_ends - fault_begins).count());
  print_policy("\nA breaker opens after 5 failures in a row", failures_in_a_row(), options, stop);
  print_policy("\nA breaker opens if 50 % of at least 10 calls in 10 s failed", failure_rate(), options, stop);
  return stop.requested() ? program::interrupted : 0;
}

}  // namespace simulation
