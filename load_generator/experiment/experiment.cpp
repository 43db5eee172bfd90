#include "load_generator/experiment/experiment.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "load_generator/experiment/machine_noise.hpp"
#include "load_generator/experiment/simple_stage.hpp"
#include "load_generator/fleet/failover.hpp"
#include "load_generator/fleet/fleet.hpp"
#include "load_generator/fleet/redis_console.hpp"
#include "load_generator/fleet/redis_faults.hpp"
#include "load_generator/fleet/settled_ledger.hpp"
#include "load_generator/load/engine.hpp"
#include "load_generator/record/text.hpp"
#include "program/command_line/nearest.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;

// An instance answers within its call timeout. One that takes this much longer counts as unreachable.
constexpr milliseconds spare_time{5000};

EngineSettings engine_settings(const Scenario& scenario, const Variant& variant) {
  EngineSettings settings;
  settings.load = scenario.load;
  settings.request_timeout = scenario.call_timeout + spare_time;
  if (variant.faults.kill_prober_after) settings.poll_closely_from = *variant.faults.kill_prober_after;
  return settings;
}

// Kills, once, the first instance that a poll shows with a probe under way. Its transitions came with the same answer,
// so they are on record.
class ProberKiller final : public RunObserver {
 public:
  ProberKiller(Fleet& fleet, std::optional<milliseconds> from) : fleet_(fleet), from_(from) {}

  void status_polled(size_t target, const std::optional<InstanceStatus>& status, Offset now) override {
    if (!from_ || now < *from_ || !status || status->probes_in_flight == 0) return;
    fleet_.kill(target);
    from_.reset();
  }

 private:
  Fleet& fleet_;
  std::optional<milliseconds> from_;
};

// Injects the planned faults into the fleet's Redis, and completes the run with what only Redis knows. Without a Redis
// it does nothing.
class RedisFaults {
 public:
  RedisFaults(Fleet& fleet, const std::vector<PlannedRedisFault>& faults)
      : redis_(fleet.redis()), watched_redis_(fleet.watched_redis()), faults_(faults) {}

  std::vector<TimedAction> actions(RunObserver& observer) {
    std::vector<TimedAction> actions;
    if (!redis_ && !watched_redis_) return actions;
    for (const PlannedRedisFault& fault : faults_) {
      actions.push_back({fault.at, [this, fault, &observer] {
                           if (redis_) inject(fault.what, *redis_);
                           if (watched_redis_) inject(fault.what, *watched_redis_);
                           observer.fault_applied(fault.at, "redis: " + std::string(to_text(fault.what)));
                         }});
    }
    return actions;
  }

  void before_the_load() {
    if (counts_scripts()) scripts_before_ = scripts_run();
  }

  void after_the_load(Run& run) {
    if (!redis_ || run.interrupted) return;  // Ctrl-C reaches the server too
    require_alive(faults_, *redis_);
    run.redis_back_at = back_at();
    if (counts_scripts()) run.redis_scripts = scripts_run() - scripts_before_;
  }

 private:
  // A restarted server has lost its counters, and a stopped one does not answer.
  bool counts_scripts() const {
    const bool ends_stopped = !faults_.empty() && faults_.back().what == RedisFault::stop;
    return redis_ && !ends_stopped && std::none_of(faults_.begin(), faults_.end(), [](const auto& fault) {
             return fault.what == RedisFault::kill || fault.what == RedisFault::restart;
           });
  }

  uint64_t scripts_run() const { return load::scripts_run(RedisConsole(redis_->port()).ask({"INFO", "commandstats"})); }

  // When Redis is back for good, by the plan.
  std::optional<Offset> back_at() const {
    std::optional<Offset> at;
    for (const PlannedRedisFault& fault : faults_) {
      if (fault.what == RedisFault::restart || fault.what == RedisFault::resume) at = fault.at;
      if (fault.what == RedisFault::kill || fault.what == RedisFault::stop) at.reset();
    }
    return at;
  }

  std::optional<program::PrivateRedis>& redis_;
  std::optional<program::PrivateSentinel>& watched_redis_;
  const std::vector<PlannedRedisFault>& faults_;
  uint64_t scripts_before_ = 0;
};

// The plan's time starts when the upstream receives it, the load's when the answer is here. To keep the two close, a
// plan whose answer took long is put again, which restarts it.
void start_plan(const std::string& upstream, const std::string& plan) {
  constexpr milliseconds soon{20};
  constexpr int most_tries = 5;
  for (int tries = 0; tries < most_tries; ++tries) {
    const auto sent = std::chrono::steady_clock::now();
    put_plan(upstream, plan);
    if (std::chrono::steady_clock::now() - sent < soon) return;
  }
}

// What a scenario does just before the first call.
class Preparation final : public RunObserver {
 public:
  Preparation(const Scenario& scenario, const Variant& variant, const Fleet& fleet, RedisFaults& redis_faults)
      : scenario_(scenario), variant_(variant), fleet_(fleet), redis_faults_(redis_faults) {}

  void load_starts() override {
    redis_faults_.before_the_load();
    if (variant_.manual_override) put_override(fleet_.targets(), *variant_.manual_override);
    start_plan(fleet_.upstream(), scenario_.plan);  // last: the load's time starts now, too
  }

 private:
  const Scenario& scenario_;
  const Variant& variant_;
  const Fleet& fleet_;
  RedisFaults& redis_faults_;
};

// What scenario_path() turns into the scenario's path, if it is shipped: peers/outage-10.
std::string shipped_name(const Scenario& scenario) {
  const std::string folder = scenarios_folder() + "/";
  if (!scenario.file.starts_with(folder)) return scenario.name;
  return std::filesystem::path(scenario.file.substr(folder.size())).replace_extension().string();
}

FinishedRun judged(Run run, const Scenario& scenario, const Variant& variant) {
  run.recovery_timeout = duration_in(variant.breaker, "recovery_timeout").value_or(milliseconds(0));
  std::string noise = machine_noise(run, variant.faults);
  FinishedRun finished = finish(
      std::move(run), {scenario.name, variant.name, scenario.question, {}, variant.expectations, std::move(noise)});
  finished.settings = run_settings(scenario, variant);
  const World world = variant.stage == Stage::simple ? World::simulated : World::real;
  finished.played = played_now(world, "load_generator scenario " + shipped_name(scenario) + " --stage " + variant.name);
  return finished;
}

// Editors leave other files, and hidden ones, in a folder.
bool is_scenario(const std::filesystem::directory_entry& entry) {
  std::error_code none;
  const std::filesystem::path name = entry.path().filename();
  return entry.is_regular_file(none) && name.extension() == ".json" && name.string().front() != '.';
}

}  // namespace

std::vector<std::string> scenarios_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (is_scenario(entry)) names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string scenarios_folder() { return SCENARIOS_FOLDER; }

std::vector<std::string> shipped_scenarios() { return scenarios_in(scenarios_folder()); }

std::string scenario_path(const std::string& name) {
  const std::filesystem::path folder = SCENARIOS_FOLDER;
  const bool plain = !name.starts_with('/') && name.find("..") == std::string::npos;
  std::string shipped = (folder / (name + ".json")).string();
  if (plain && std::filesystem::is_regular_file(shipped)) return shipped;
  if (std::filesystem::is_regular_file(name)) return name;
  const std::vector<std::string> names = shipped_scenarios();
  throw std::invalid_argument("scenario '" + printable(name, 200) + "' is neither a file nor one of " + joined(names) +
                              program::did_you_mean(name, names));
}

FinishedRun run_scenario(const Scenario& scenario, const Variant& variant, const program::StopSignal& stop,
                         RunObserver& observer) {
  if (variant.stage == Stage::simple) return judged(run_simple_stage(scenario, variant, stop), scenario, variant);
  return StartedScenario(scenario, variant).play(stop, observer);
}

FinishedRun StartedScenario::play(const program::StopSignal& stop, RunObserver& observer) {
  return judged(run(stop, observer), scenario_, variant_);
}

Run StartedScenario::run(const program::StopSignal& stop, RunObserver& observer) {
  observer.fleet_is_up(fleet_.targets(), fleet_.upstream());
  ProberKiller killer(fleet_, variant_.faults.kill_prober_after);
  RedisFaults redis_faults(fleet_, variant_.faults.redis);
  Preparation preparation(scenario_, variant_, fleet_, redis_faults);
  RunObservers observers({&killer, &observer, &preparation});
  EngineSettings settings = engine_settings(scenario_, variant_);
  settings.actions = redis_faults.actions(observer);
  Run run = run_load(fleet_.targets(), settings, stop, observers);
  observer.load_ended();
  redis_faults.after_the_load(run);
  run.ledger = settled_ledger(fleet_.upstream(), stop);
  run.cut_off = variant_.faults.cut_off;
  return run;
}

}  // namespace load
