#include "load_generator/control_room/playback/race_playback.hpp"

#include <spdlog/fmt/fmt.h>

#include <regex>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/report/timeline_json.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

std::string command_of(const RaceGivens& givens) {
  return fmt::format(
      R"(POST /control/race {{"instances":{},"failure_threshold":{},"rate":{},"recovery_timeout_ms":{}}})",
      givens.instances, givens.failure_threshold, givens.rate, givens.recovery_timeout.count());
}

// The race's number, and what a page has of it: "1-12-9-3-1".
struct Place {
  uint64_t number = 0;
  RaceRecord::Cursor seen;
};

[[noreturn]] void refuse(const std::string& from) {
  throw std::invalid_argument("from is '" + printable(from, 64) + "', which is not the \"next\" of an answer");
}

Place place_of(const std::string& from) {
  static const std::regex form("([0-9]{1,9})-([0-9]{1,9})-([0-9]{1,9})-([0-9]{1,9})-([0-9]{1,9})");
  std::smatch parts;
  if (from.empty()) return {};
  if (from.size() > 64 || !std::regex_match(from, parts, form)) refuse(from);
  const auto number = [&parts](size_t part) { return static_cast<size_t>(std::stoul(parts[part])); };
  return {number(1), {{{number(2), number(3)}, {number(4), number(5)}}}};
}

std::string to_text(const Place& place) {
  const auto& [separate, shared] = place.seen;
  return fmt::format("{}-{}-{}-{}-{}", place.number, separate.calls, separate.transitions, shared.calls,
                     shared.transitions);
}

std::vector<Target> targets_of(const Scenario& scenario) {
  std::vector<Target> targets;
  for (size_t i = 0; i < scenario.instances; ++i) targets.push_back({instance_name(i), ""});
  return targets;
}

json names_of(const std::vector<Target>& targets) {
  json names = json::array();
  for (const Target& target : targets) names.push_back(target.name);
  return names;
}

}  // namespace

RacePlayback::RacePlayback(uint64_t number, const RaceGivens& givens, std::string runs_folder)
    : Playback("race", number), givens_(givens), runs_folder_(std::move(runs_folder)), race_(givens) {}

Playback::Phase RacePlayback::phase() const {
  const Phase phase = Playback::phase();
  return phase == Phase::starting && race_.elapsed() ? Phase::running : phase;
}

std::string RacePlayback::play(const program::StopSignal& stop) {
  std::vector<FinishedRun> finished = race_.play(stop);
  reject_later_stops();
  std::string written;
  for (FinishedRun& run : finished) {
    run.played->command = command_of(givens_);
    const std::string path = runs_folder_ + "/" + run_name(run.summary) + ".json";
    write_run_file(path, run);
    written += (written.empty() ? "written to " : " and ") + path;
  }
  return written;
}

std::vector<std::string> RacePlayback::runs() const {
  std::vector<std::string> runs;
  for (const Variant& variant : race_.scenario().variants) runs.push_back(race_.scenario().name + "-" + variant.name);
  return runs;
}

json RacePlayback::since(const std::string& from) const {
  const Phase phase = this->phase();  // first: what is over has no news after that
  Place place = place_of(from);
  if (place.number != number()) place = {number(), {}};
  const auto news = race_.record().since(place.seen);
  if (!news) refuse(from);
  json fleets = json::array();
  const std::vector<Target> targets = targets_of(race_.scenario());
  for (size_t i = 0; i < RaceRecord::fleets; ++i) {
    const RaceRecord::News& fleet = news->at(i);
    place.seen.at(i) = fleet.seen;
    fleets.push_back({{"variant", race_.scenario().variants.at(i).name},
                      {"instances", names_of(targets)},
                      {"calls", calls_json(targets, fleet.calls)},
                      {"transitions", transitions_json(targets, fleet.transitions)}});
  }
  return {{"number", number()},
          {"phase", load::to_text(phase)},
          {"givens", to_json(givens_, World::real)},
          {"elapsed_ms", to_ms(race_.elapsed().value_or(Offset(0)))},
          {"error", error()},
          {"runs", phase == Phase::over ? json(runs()) : json::array()},
          {"fleets", std::move(fleets)},
          {"next", to_text(place)}};
}

json RacePlayback::none(const std::string& from) {
  place_of(from);
  return {{"number", 0}, {"phase", "none"},       {"givens", nullptr},       {"elapsed_ms", 0},
          {"error", ""}, {"runs", json::array()}, {"fleets", json::array()}, {"next", to_text(Place{})}};
}

}  // namespace load
