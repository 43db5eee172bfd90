// A ScenarioPlayback plays one variant of a scenario, or several, one after the other. A finished run is written to the
// runs folder, as `load_generator scenario` does; one that was stopped is not.
// Thread-safe: every method but play().
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "load_generator/control_room/playback/playback.hpp"
#include "load_generator/load/run_observer.hpp"
#include "load_generator/report/run_file.hpp"
#include "load_generator/scenario/scenario.hpp"

namespace load {

class ScenarioPlayback final : public Playback, private RunObserver {
 public:
  static constexpr const char* every_variant = "all";

  // `variant`: a name, or every_variant. Rejected: an unknown name.
  ScenarioPlayback(uint64_t number, const std::string& name, const std::string& variant, std::string runs_folder,
                   const PlaybackHooks& hooks);

  std::string title() const override;
  double rate() const { return scenario_.load.rate; }  // calls a second
  std::string play(const program::StopSignal& stop) override;

  // {"number","name","variant","question","phase","elapsed_ms","duration_ms","run","finished","error"}: the variant
  // that runs or ran last, its run once it is over, and the runs of all that are finished.
  nlohmann::ordered_json to_json() const;

 private:
  void play_variant(size_t index, const program::StopSignal& stop);
  void keep(const FinishedRun& finished);

  // Of the variant that runs.
  void fleet_is_up(const std::vector<Target>& targets, const std::string& upstream) override;
  void tick(Offset now) override;
  void status_polled(size_t target, const std::optional<InstanceStatus>& status, Offset /*now*/) override {
    hooks_.status(target, status);
  }
  void load_ended() override { hooks_.fleet_ends(); }

  const Scenario scenario_;
  const std::vector<Variant> variants_;
  const std::string runs_folder_;
  const PlaybackHooks& hooks_;
  mutable std::mutex mutex_;
  size_t current_ = 0;  // guarded by mutex_, as are the next
  Offset elapsed_{0};
  std::vector<std::string> finished_;
};

}  // namespace load
