#include "load_generator/chaos/chaos_command.hpp"

#include <iostream>

#include "load_generator/chaos/chaos_report.hpp"
#include "load_generator/chaos/chaos_run.hpp"
#include "load_generator/fleet/fleet.hpp"

namespace load {

int chaos_command(const ChaosOptions& options, const program::StopSignal& stop) try {
  const ChaosHistory history = run_chaos(options.settings, stop, std::cout);
  if (history.run.interrupted) return program::interrupted;
  const std::vector<Verdict> verdicts = check(history);
  const std::string path =
      options.out.empty() ? run_path("chaos-" + std::to_string(options.settings.seed)) : options.out;
  write_history(path, history, verdicts);
  std::cout << report(history, verdicts) << "written to " << path << "\n";
  return all_held(verdicts) ? 0 : 1;
} catch (const std::runtime_error&) {
  if (stop.requested()) return program::interrupted;  // Ctrl-C reaches the children too
  throw;
}

}  // namespace load
