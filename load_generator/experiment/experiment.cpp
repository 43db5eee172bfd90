#include "load_generator/experiment/experiment.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "load_generator/experiment/simple_stage.hpp"
#include "load_generator/fleet/failover.hpp"
#include "load_generator/fleet/fleet.hpp"
#include "load_generator/fleet/redis_console.hpp"
#include "load_generator/fleet/redis_faults.hpp"
#include "load_generator/fleet/settled_ledger.hpp"
#include "load_generator/load/engine.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;

// An instance answers within its call timeout; one that takes this much longer does not answer.
constexpr milliseconds spare_time{5000};

EngineSettings engine_settings(const Scenario& scenario, const Variant& variant) {
  EngineSettings settings;
  settings.load = scenario.load;
  settings.request_timeout = scenario.call_timeout + spare_time;
  if (variant.faults.kill_prober_after) settings.poll_closely_from = *variant.faults.kill_prober_after;
  return settings;
}

// Kills the first instance that is seen with a probe under way, once. Its transitions came with the same answer, so
// they are on record.
class ProberKiller {
 public:
  ProberKiller(Fleet& fleet, std::optional<milliseconds> from) : fleet_(fleet), from_(from) {}

  void look_at(size_t target, const InstanceStatus& status, Offset now) {
    if (!from_ || now < *from_ || status.probes_in_flight == 0) return;
    fleet_.kill(target);
    from_.reset();
  }

 private:
  Fleet& fleet_;
  std::optional<milliseconds> from_;
};

// Does to the fleet's Redis what the faults say, and fills in what the run knows of it. Without a Redis it does
// nothing.
class RedisFaults {
 public:
  RedisFaults(Fleet& fleet, const std::vector<PlannedRedisFault>& faults)
      : redis_(fleet.redis()), watched_redis_(fleet.watched_redis()), faults_(faults) {}

  std::vector<Appointment> appointments(LiveLines& lines) {
    std::vector<Appointment> appointments;
    if (!redis_ && !watched_redis_) return appointments;
    for (const PlannedRedisFault& fault : faults_) {
      appointments.push_back({fault.at, [this, fault, &lines] {
                                inflict(fault.what);
                                lines.event(fault.at, "redis: " + std::string(to_text(fault.what)));
                              }});
    }
    return appointments;
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
  void inflict(RedisFault fault) {
    if (redis_) load::inflict(fault, *redis_);
    if (watched_redis_) load::inflict(fault, *watched_redis_);
  }

  // A server that is started again has forgotten what the old one did, and one that is not there cannot be asked.
  bool counts_scripts() const {
    const bool ends_stopped = !faults_.empty() && faults_.back().what == RedisFault::stop;
    return redis_ && !ends_stopped && std::none_of(faults_.begin(), faults_.end(), [](const auto& fault) {
             return fault.what == RedisFault::kill || fault.what == RedisFault::restart;
           });
  }

  uint64_t scripts_run() const { return load::scripts_run(RedisConsole(redis_->port()).ask({"INFO", "commandstats"})); }

  // When Redis is there again for good, by the plan.
  std::optional<Offset> back_at() const {
    std::optional<Offset> at;
    for (const PlannedRedisFault& fault : faults_) {
      if (fault.what == RedisFault::restart || fault.what == RedisFault::go_on) at = fault.at;
      if (fault.what == RedisFault::kill || fault.what == RedisFault::stop) at.reset();
    }
    return at;
  }

  std::optional<program::PrivateRedis>& redis_;
  std::optional<program::PrivateSentinel>& watched_redis_;
  const std::vector<PlannedRedisFault>& faults_;
  uint64_t scripts_before_ = 0;
};

// The plan's time starts at the upstream, the load's when the answer is here. A plan that is put again starts again.
void start_plan(const std::string& upstream, const std::string& plan) {
  constexpr milliseconds soon{20};
  constexpr int most_tries = 5;
  for (int tries = 0; tries < most_tries; ++tries) {
    const auto asked = std::chrono::steady_clock::now();
    put_plan(upstream, plan);
    if (std::chrono::steady_clock::now() - asked < soon) return;
  }
}

Run run_fleet(const Scenario& scenario, const Variant& variant, const program::StopSignal& stop, std::ostream& out,
              Screen screen, const ScenarioObserver& observer) {
  Fleet fleet(scenario, variant);
  if (observer.fleet_is_up) observer.fleet_is_up(fleet.targets(), fleet.upstream());
  LiveLines lines(out, screen, fleet.targets(), scenario.load.duration);
  ProberKiller killer(fleet, variant.faults.kill_prober_after);
  RedisFaults redis_faults(fleet, variant.faults.redis);
  Observers observers;
  observers.start = [&] {
    redis_faults.before_the_load();
    if (variant.manual_override) put_override(fleet.targets(), *variant.manual_override);
    start_plan(fleet.upstream(), scenario.plan);  // last: the load's time starts now, too
  };
  observers.second = [&](const Second& second) { lines.second(second); };
  observers.tick = [&](Offset now) {
    lines.tick(now);
    if (observer.tick) observer.tick(now);
  };
  observers.status = [&](size_t target, const InstanceStatus& status, Offset now) {
    killer.look_at(target, status, now);
    if (observer.status) observer.status(target, status);
  };
  observers.no_status = [&](size_t target) {
    if (observer.status) observer.status(target, std::nullopt);
  };
  observers.appointments = redis_faults.appointments(lines);
  Run run = run_load(fleet.targets(), engine_settings(scenario, variant), stop, observers);
  lines.end();
  redis_faults.after_the_load(run);
  run.ledger = settled_ledger(fleet.upstream(), stop);
  run.cut_off = variant.faults.cut_off;
  if (observer.load_is_over) observer.load_is_over();
  return run;
}

// Editors leave other files, and hidden ones.
bool is_scenario(const std::filesystem::directory_entry& entry) {
  std::error_code none;
  const std::filesystem::path name = entry.path().filename();
  return entry.is_regular_file(none) && name.extension() == ".json" && name.string().front() != '.';
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
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
  const bool plain = name.find('/') == std::string::npos;
  std::string shipped = (folder / (name + ".json")).string();
  if (plain && std::filesystem::is_regular_file(shipped)) return shipped;
  if (std::filesystem::is_regular_file(name)) return name;
  throw std::invalid_argument("scenario '" + printable(name, 200) + "' is neither a file nor one of " +
                              joined(shipped_scenarios()));
}

Run run_scenario(const Scenario& scenario, const Variant& variant, const program::StopSignal& stop, std::ostream& out,
                 Screen screen, const ScenarioObserver& observer) {
  out << scenario.name << ", " << variant.name << "\n" << std::flush;
  Run run = variant.stage == Stage::simple ? run_simple_stage(scenario, variant, stop)
                                           : run_fleet(scenario, variant, stop, out, screen, observer);
  run.recovery_timeout = duration_in(variant.breaker, "recovery_timeout").value_or(milliseconds(0));
  return run;
}

Summary summary_of(const Scenario& scenario, const Variant& variant, const Run& run) {
  return {scenario.name, variant.name, scenario.question, measure(run), variant.expectations};
}

}  // namespace load
