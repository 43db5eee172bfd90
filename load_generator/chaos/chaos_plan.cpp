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

constexpr milliseconds first_harm{1000};
constexpr milliseconds shortest_run{10'000};
constexpr milliseconds longest_run{3'600'000};
constexpr milliseconds usual_phase{3000};
constexpr milliseconds near_future{4000};
constexpr milliseconds time_to_open{1000};
constexpr const char* slow_but_in_time = "slow 300ms";
constexpr const char* slower_than_calls_wait = "slow 700ms";
constexpr int most_phases = 40;  // a fault plan has at most 1000 characters

constexpr std::array<std::string_view, 11> words{"redis: killed",
                                                 "redis: started again, empty",
                                                 "redis: stopped",
                                                 "redis: goes on",
                                                 "redis: keys flushed",
                                                 "redis: scripts flushed",
                                                 "redis: pushes cut",
                                                 "instance killed",
                                                 "redis: master killed",
                                                 "redis: planned failover",
                                                 "redis: old master becomes a replica"};

// The standard's distributions differ between libraries; these do not.
class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  size_t below(size_t end) { return random_() % end; }
  milliseconds between(milliseconds least, milliseconds most) {
    return least + milliseconds(below(static_cast<size_t>((most - least).count()) + 1));
  }

 private:
  std::mt19937_64 random_;
};

// Each kind of harm comes up before any comes up again, so that a short run sees all of them.
class Deck {
 public:
  Deck(Dice& dice, std::vector<Harm> all) : dice_(dice), all_(std::move(all)) {}

  Harm draw() {
    if (cards_.empty()) cards_ = all_;
    const auto card = cards_.begin() + static_cast<std::ptrdiff_t>(dice_.below(cards_.size()));
    const Harm drawn = *card;
    cards_.erase(card);
    return drawn;
  }

 private:
  Dice& dice_;
  const std::vector<Harm> all_;
  std::vector<Harm> cards_;
};

std::vector<Harm> harms_to_redis(const ChaosSettings& settings) {
  if (settings.sentinel) {
    return {Harm::kill_master, Harm::fail_over, Harm::flush_keys, Harm::flush_scripts, Harm::cut_pushes};
  }
  return {Harm::kill_redis, Harm::stop_redis, Harm::flush_keys, Harm::flush_scripts, Harm::cut_pushes};
}

milliseconds length_of(Harm harm, Dice& dice) {
  if (harm == Harm::kill_redis) return dice.between(milliseconds(0), milliseconds(2000));
  if (harm == Harm::stop_redis) return dice.between(milliseconds(100), milliseconds(3000));
  if (harm == Harm::kill_master) return dice.between(milliseconds(5000), milliseconds(7000));
  if (harm == Harm::fail_over) return dice.between(milliseconds(2000), milliseconds(4000));
  return milliseconds(0);
}

void end(Harm harm, milliseconds at, std::vector<PlannedHarm>& harms) {
  if (harm == Harm::kill_redis) harms.push_back({at, Harm::restart_redis});
  if (harm == Harm::stop_redis) harms.push_back({at, Harm::continue_redis});
  if (harm == Harm::kill_master || harm == Harm::fail_over) harms.push_back({at, Harm::follow_master});
}

// Until the Sentinels know a new replica, they have nobody to promote.
milliseconds time_to_know_the_replica(Harm harm) {
  return milliseconds(harm == Harm::kill_master || harm == Harm::fail_over ? 2000 : 0);
}

void plan_redis(const ChaosSettings& settings, Dice& dice, std::vector<PlannedHarm>& harms) {
  Deck deck(dice, harms_to_redis(settings));
  milliseconds at = first_harm;
  while (true) {
    const Harm harm = deck.draw();
    const milliseconds over = at + length_of(harm, dice);
    if (over > settings.duration) return;
    harms.push_back({at, harm});
    end(harm, over, harms);
    at = over + dice.between(milliseconds(300), milliseconds(2000)) + time_to_know_the_replica(harm);
  }
}

// Only where the upstream is slow a probe lasts long enough to be met: a kill waits for such a phase where one is near,
// and until the circuit has had time to open.
milliseconds when_probes_are_slow(milliseconds at, const std::vector<UpstreamPhase>& upstream) {
  const auto near = std::find_if(upstream.begin(), upstream.end(), [&](const UpstreamPhase& phase) {
    return phase.fault == slower_than_calls_wait && phase.at + time_to_open >= at && phase.at <= at + near_future;
  });
  return near == upstream.end() ? at : std::max(at, near->at + time_to_open);
}

void plan_instances(const ChaosSettings& settings, const std::vector<UpstreamPhase>& upstream, Dice& dice,
                    std::vector<PlannedHarm>& harms) {
  milliseconds at = first_harm + dice.between(milliseconds(0), milliseconds(3000));
  while (true) {
    at = when_probes_are_slow(at, upstream);
    const PlannedHarm kill{at, Harm::kill_instance, dice.below(settings.instances),
                           dice.between(milliseconds(0), milliseconds(1500))};
    const milliseconds over = at + looks_for_a_prober + kill.down_for;
    if (over > settings.duration) return;
    harms.push_back(kill);
    at = over + dice.between(milliseconds(500), milliseconds(4000));
  }
}

// Flaky enough to trip now and then.
std::string bad_phase(Dice& dice) {
  const size_t kind = dice.below(5);
  if (kind == 0) return "down";
  if (kind == 1) return "flaky 0." + std::to_string(5 + dice.below(5));
  return kind == 2 ? slow_but_in_time : slower_than_calls_wait;
}

std::vector<UpstreamPhase> plan_upstream(milliseconds duration, Dice& dice) {
  const milliseconds usual = std::max(usual_phase, duration / most_phases);
  std::vector<UpstreamPhase> phases;
  milliseconds at{0};
  while (at < duration) {
    phases.push_back({at, phases.size() % 2 == 0 ? "healthy" : bad_phase(dice)});
    at += dice.between(usual / 2, usual * 3 / 2);
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

std::string_view to_text(Harm harm) { return words.at(static_cast<size_t>(harm)); }

ChaosPlan plan_chaos(const ChaosSettings& settings) {
  require_valid(settings);
  ChaosPlan plan;
  Dice of_upstream(settings.seed), of_redis(settings.seed + 1), of_instances(settings.seed + 2);
  plan.upstream = plan_upstream(settings.duration, of_upstream);
  plan_redis(settings, of_redis, plan.harms);
  plan_instances(settings, plan.upstream, of_instances, plan.harms);
  std::stable_sort(plan.harms.begin(), plan.harms.end(),
                   [](const PlannedHarm& a, const PlannedHarm& b) { return a.at < b.at; });
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
