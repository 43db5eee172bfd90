#include "load_generator/simulation/chaos/chaos_search.hpp"

#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <iostream>
#include <sstream>

#include "load_generator/record/run_record.hpp"
#include "load_generator/simulation/chaos/chaos_life.hpp"

namespace simulation {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds(microseconds time) { return std::chrono::duration<double>(time).count(); }

bool is_violated(const LifePlan& plan) {
  LifeFigures figures;
  return live(plan, figures, nullptr).has_value();
}

// Without this harm, does the fleet still violate something?
bool shrink_once(LifePlan& plan) {
  for (size_t i = plan.harms.size(); i-- > 0;) {
    LifePlan less = plan;
    less.harms.erase(less.harms.begin() + static_cast<std::ptrdiff_t>(i));
    if (!is_violated(less)) continue;
    plan = less;
    return true;
  }
  return false;
}

// Nothing before the episode that the violation is in, if that is enough; and nothing after it.
void shrink_episodes(LifePlan& plan, microseconds violated_at) {
  LifePlan less = plan;
  while (less.episodes.size() > 1 && less.episodes.back() > violated_at) less.episodes.pop_back();
  std::erase_if(less.harms, [&](const Harm& each) { return each.at > violated_at; });
  LifePlan last = less;
  last.episodes = {less.episodes.back()};
  std::erase_if(last.harms, [&](const Harm& each) { return each.at < last.episodes.front(); });
  if (is_violated(last)) {
    plan = last;
  } else if (is_violated(less)) {
    plan = less;
  }
}

void print_violation(LifePlan plan, const Violation& violation) {
  std::cout << fmt::format("VIOLATED by seed {} after {:.6f} s: {}\n", plan.seed, seconds(violation.at), violation.what)
            << std::flush;
  shrink_episodes(plan, violation.at);
  while (shrink_once(plan)) {
  }
  std::ostringstream trace;
  LifeFigures figures;
  const auto again = live(plan, figures, &trace);
  std::cout << fmt::format("\nthe same with {} harms in {} episodes{}:\n\n", plan.harms.size(), plan.episodes.size(),
                           again ? ": " + again->what : "");
  for (const Harm& each : plan.harms) {
    std::cout << fmt::format("  {:12.6f} s  {} for {:.3f} s ({})\n", seconds(each.at), to_text(each.kind),
                             seconds(each.length), load::instance_name(each.instance));
  }
  std::cout << "\n" << trace.str();
}

void print_figures(const LifeFigures& figures, const SearchOptions& options, uint64_t lives, double real_seconds) {
  const double instance_hours = figures.hours * static_cast<double>(options.instances);
  std::cout << fmt::format(
      "{} lives from seed {} on, {:.0f} hours of {} instances in {:.1f} s: {:.0f} instance-hours a second\n"
      "{} calls, {} scripts, {} transitions, {} events\n\n",
      lives, options.seed, figures.hours, options.instances, real_seconds, instance_hours / real_seconds, figures.calls,
      figures.scripts, figures.transitions, figures.events);
  for (size_t i = 0; i < harm_kinds; ++i) {
    std::cout << fmt::format("  {:>8}  {}\n", figures.harms[i], to_text(static_cast<HarmKind>(i)));
  }
}

int show(const SearchOptions& options) {
  LifePlan plan = plan_life(options.seed, options.instances, options.stage);
  const microseconds until(static_cast<int64_t>(*options.trace_seconds * 1e6));
  while (plan.episodes.size() > 1 && plan.episodes.back() > until) plan.episodes.pop_back();
  std::erase_if(plan.harms, [&](const Harm& each) { return each.at > until; });
  LifeFigures figures;
  return live(plan, figures, &std::cout) ? 1 : 0;
}

}  // namespace

int search_chaos(const SearchOptions& options, const program::StopSignal& stop) {
  if (options.trace_seconds) return show(options);
  const auto begun = SteadyClock::now();
  LifeFigures figures;
  uint64_t lives = 0;
  int exit_code = 0;
  for (uint64_t seed = options.seed; figures.hours < options.hours && exit_code == 0; ++seed, ++lives) {
    const LifePlan plan = plan_life(seed, options.instances, options.stage);
    if (const auto violation = live(plan, figures, nullptr)) {
      print_violation(plan, *violation);
      exit_code = 1;
    } else if (stop.requested()) {
      std::cout << "interrupted: ";
      exit_code = program::interrupted;
    }
  }
  print_figures(figures, options, lives, std::chrono::duration<double>(SteadyClock::now() - begun).count());
  return exit_code;
}

}  // namespace simulation
