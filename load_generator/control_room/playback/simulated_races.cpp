#include "load_generator/control_room/playback/simulated_races.hpp"

#include <spdlog/fmt/fmt.h>

#include "load_generator/race/simulated_race.hpp"
#include "load_generator/report/run_document.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;
using SteadyClock = std::chrono::steady_clock;

std::string query_of(const RaceGivens& givens) {
  return fmt::format("GET /simulate?instances={}&failure_threshold={}&rate={}&recovery_timeout_ms={}&seed={}",
                     givens.instances, givens.failure_threshold, givens.rate, givens.recovery_timeout.count(),
                     givens.seed);
}

json documents_of(const RaceGivens& givens) {
  json documents = json::array();
  for (FinishedRun& run : simulated_race(givens)) {
    run.played = played_now(World::simulated, query_of(givens));
    documents.push_back(run_document(run));
  }
  return documents;
}

std::string simulated(const RaceGivens& givens) {
  const auto begun = SteadyClock::now();
  json answer{{"givens", to_json(givens, World::simulated)}, {"runs", documents_of(givens)}};
  answer["took_ms"] = std::chrono::duration<double, std::milli>(SteadyClock::now() - begun).count();
  return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string SimulatedRaces::answer(const RaceGivens& givens) {
  const Turn turn(*this);
  if (last_givens_ != givens) {
    last_answer_ = simulated(givens);
    last_givens_ = givens;
  }
  return last_answer_;
}

SimulatedRaces::Turn::Turn(SimulatedRaces& races) : races_(races) {
  std::unique_lock lock(races_.mutex_);
  if (races_.waiting_ >= most_waiting) throw RequestError(503, "too many races are being simulated; try again");
  races_.waiting_ += 1;
  const bool has_turn = races_.turn_is_over_.wait_for(lock, races_.patience_, [&] { return !races_.is_busy_; });
  races_.waiting_ -= 1;
  if (!has_turn) throw RequestError(503, "another race is still being simulated; try again");
  races_.is_busy_ = true;
}

SimulatedRaces::Turn::~Turn() {
  const std::scoped_lock lock(races_.mutex_);
  races_.is_busy_ = false;
  races_.turn_is_over_.notify_one();
}

}  // namespace load
