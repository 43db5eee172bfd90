#include "load_generator/chaos/chaos_plan.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <stdexcept>
#include <utility>

#include "program/duration.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_fault{1000};
constexpr milliseconds shortest_run{10'000};
constexpr milliseconds longest_run{3'600'000};
constexpr milliseconds usual_phase{3000};
constexpr milliseconds near_future{4000};
constexpr milliseconds time_to_open{1000};
constexpr const char* slow_but_in_time = "slow 300ms";
constexpr const char* slower_than_calls_wait = "slow 700ms";
constexpr int most_phases = 40;  // a fault plan has at most 1000 characters

constexpr std::array<std::string_view, 13> words{"redis: killed",
                                                 "redis: restarted, empty",
                                                 "redis: stopped",
                                                 "redis: continued",
                                                 "redis: keys flushed",
                                                 "redis: scripts flushed",
                                                 "redis: pushes cut",
                                                 "redis: memory filled, evicting",
                                                 "redis: memory freed",
                                                 "instance killed",
                                                 "redis: master killed",
                                                 "redis: planned failover",
                                                 "redis: old master becomes a replica"};

// The standard distributions differ between libraries; these do not.
class Random {
 public:
  explicit Random(uint64_t seed) : random_(seed) {}
  size_t below(size_t end) { return random_() % end; }
  milliseconds between(milliseconds least, milliseconds most) {
    return least + milliseconds(below(static_cast<size_t>((most - least).count()) + 1));
  }

 private:
  std::mt19937_64 random_;
};

// Draws each kind of fault once before any repeats, so that a short run has all of them.
class Deck {
 public:
  Deck(Random& random, std::vector<ChaosFault> all) : random_(random), all_(std::move(all)) {}

  ChaosFault draw() {
    if (cards_.empty()) cards_ = all_;
    const auto card = cards_.begin() + static_cast<std::ptrdiff_t>(random_.below(cards_.size()));
    const ChaosFault drawn = *card;
    cards_.erase(card);
    return drawn;
  }

 private:
  Random& random_;
  const std::vector<ChaosFault> all_;
  std::vector<ChaosFault> cards_;
};

std::vector<ChaosFault> redis_faults_for(const ChaosSettings& settings) {
  if (settings.sentinel) {
    return {ChaosFault::kill_master,   ChaosFault::fail_over,  ChaosFault::flush_keys,
            ChaosFault::flush_scripts, ChaosFault::cut_pushes, ChaosFault::fill_memory};
  }
  return {ChaosFault::kill_redis,    ChaosFault::stop_redis, ChaosFault::flush_keys,
          ChaosFault::flush_scripts, ChaosFault::cut_pushes, ChaosFault::fill_memory};
}

milliseconds length_of(ChaosFault fault, Random& random) {
  if (fault == ChaosFault::kill_redis) return random.between(milliseconds(0), milliseconds(2000));
  if (fault == ChaosFault::stop_redis) return random.between(milliseconds(100), milliseconds(3000));
  if (fault == ChaosFault::fill_memory) return random.between(milliseconds(500), milliseconds(3000));
  if (fault == ChaosFault::kill_master) return random.between(milliseconds(5000), milliseconds(7000));
  if (fault == ChaosFault::fail_over) return random.between(milliseconds(2000), milliseconds(4000));
  return milliseconds(0);
}

void end(ChaosFault fault, milliseconds at, std::vector<PlannedChaosFault>& faults) {
  if (fault == ChaosFault::kill_redis) faults.push_back({at, ChaosFault::restart_redis});
  if (fault == ChaosFault::stop_redis) faults.push_back({at, ChaosFault::continue_redis});
  if (fault == ChaosFault::fill_memory) faults.push_back({at, ChaosFault::free_memory});
  if (fault == ChaosFault::kill_master || fault == ChaosFault::fail_over)
    faults.push_back({at, ChaosFault::follow_master});
}

// Until the Sentinels know a new replica, they have none to promote.
milliseconds time_to_know_the_replica(ChaosFault fault) {
  return milliseconds(fault == ChaosFault::kill_master || fault == ChaosFault::fail_over ? 2000 : 0);
}

void plan_redis(const ChaosSettings& settings, Random& random, std::vector<PlannedChaosFault>& faults) {
  Deck deck(random, redis_faults_for(settings));
  milliseconds at = first_fault;
  while (true) {
    const ChaosFault fault = deck.draw();
    const milliseconds over = at + length_of(fault, random);
    if (over > settings.duration) return;
    faults.push_back({at, fault});
    end(fault, over, faults);
    at = over + random.between(milliseconds(300), milliseconds(2000)) + time_to_know_the_replica(fault);
  }
}

// A probe lasts long enough to be caught only if the upstream is slow: a kill waits for such a phase if one is near,
// and until the circuit has had time to open.
milliseconds when_probes_are_slow(milliseconds at, const std::vector<UpstreamPhase>& upstream) {
  const auto near = std::find_if(upstream.begin(), upstream.end(), [&](const UpstreamPhase& phase) {
    return phase.fault == slower_than_calls_wait && phase.at + time_to_open >= at && phase.at <= at + near_future;
  });
  return near == upstream.end() ? at : std::max(at, near->at + time_to_open);
}

void plan_instances(const ChaosSettings& settings, const std::vector<UpstreamPhase>& upstream, Random& random,
                    std::vector<PlannedChaosFault>& faults) {
  milliseconds at = first_fault + random.between(milliseconds(0), milliseconds(3000));
  while (true) {
    at = when_probes_are_slow(at, upstream);
    const PlannedChaosFault kill{at, ChaosFault::kill_instance, random.below(settings.instances),
                                 random.between(milliseconds(0), milliseconds(1500))};
    const milliseconds over = at + time_to_find_a_prober + kill.down_for;
    if (over > settings.duration) return;
    faults.push_back(kill);
    at = over + random.between(milliseconds(500), milliseconds(4000));
  }
}

// Flaky enough to trip sometimes.
std::string bad_phase(Random& random) {
  const size_t kind = random.below(5);
  if (kind == 0) return "down";
  if (kind == 1) return "flaky 0." + std::to_string(5 + random.below(5));
  return kind == 2 ? slow_but_in_time : slower_than_calls_wait;
}

std::vector<UpstreamPhase> plan_upstream(milliseconds duration, Random& random) {
  const milliseconds usual = std::max(usual_phase, duration / most_phases);
  std::vector<UpstreamPhase> phases;
  milliseconds at{0};
  while (at < duration) {
    phases.push_back({at, phases.size() % 2 == 0 ? "healthy" : bad_phase(random)});
    at += random.between(usual / 2, usual * 3 / 2);
  }
  if (phases.back().fault == "healthy") phases.pop_back();
  phases.push_back({duration, "healthy"});
  return phases;
}

void require_valid(const ChaosSettings& settings) {
  if (settings.duration < shortest_run || settings.duration > longest_run) {
    throw std::invalid_argument("duration is " + program::to_text(settings.duration) + "; it must be 10s to 1h");
  }
  if (settings.instances < 1 || settings.instances > 26) {
    throw std::invalid_argument("instances is " + std::to_string(settings.instances) + "; it must be 1 to 26");
  }
}

}  // namespace

std::string_view to_text(ChaosFault fault) { return words.at(static_cast<size_t>(fault)); }

ChaosPlan plan_chaos(const ChaosSettings& settings) {
  require_valid(settings);
  ChaosPlan plan;
  Random of_upstream(settings.seed), of_redis(settings.seed + 1), of_instances(settings.seed + 2);
  plan.upstream = plan_upstream(settings.duration, of_upstream);
  plan_redis(settings, of_redis, plan.faults);
  plan_instances(settings, plan.upstream, of_instances, plan.faults);
  std::stable_sort(plan.faults.begin(), plan.faults.end(),
                   [](const PlannedChaosFault& a, const PlannedChaosFault& b) { return a.at < b.at; });
  return plan;
}

std::string fault_plan(const std::vector<UpstreamPhase>& phases) {
  std::string text;
  for (size_t i = 0; i < phases.size(); ++i) {
    text += (i == 0 ? "" : ", ") + phases[i].fault;
    if (i + 1 < phases.size()) text += " " + program::to_text(phases[i + 1].at - phases[i].at);
  }
  return text;
}

}  // namespace load
