#include "simple_breaker/demo/demo_report.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "program/duration.hpp"
#include "program/log.hpp"

namespace cb {
namespace {

using nlohmann::ordered_json;
using std::chrono::milliseconds;
using unreliable::Fate;

constexpr std::string_view green = "32";
constexpr std::string_view yellow = "33";
constexpr std::string_view red = "31";

std::string paint(const std::string& text, std::string_view colour) {
  static const bool colours = program::supports_colours();
  return colours ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : text;
}

std::string paint(State state) {
  const std::string text(to_text(state));
  if (state == State::closed) return paint(text, green);
  return paint(text, state == State::open ? red : yellow);
}

std::string seconds(milliseconds duration) {
  return fmt::format("{:.1f}s", std::chrono::duration<double>(duration).count());
}

// Padded before it is coloured: escape sequences have characters but no width.
std::string result_of(const Attempt& attempt) {
  const auto padded = [](const std::string& text) { return fmt::format("{:<24}", text); };
  if (const auto* rejection = std::get_if<Rejection>(&attempt.answer)) {
    return paint(padded("blocked, retry in " + seconds(rejection->retry_after)), yellow);
  }
  const std::string who = attempt.probe ? "probe: " : "";
  const Fate fate = std::get<Fate>(attempt.answer);
  if (fate == Fate::success) return paint(padded(who + "success"), green);
  return paint(padded(who + (fate == Fate::failure ? "FAILED" : "FAILED, no answer")), red);
}

std::string_view status(const Attempt& attempt) {
  const auto* fate = std::get_if<Fate>(&attempt.answer);
  if (fate == nullptr) return "blocked";
  return *fate == Fate::success ? "success" : "failure";
}

// The demo's clock starts at the epoch.
int64_t at_ms(const Transition& transition) {
  return std::chrono::duration_cast<milliseconds>(transition.at.time_since_epoch()).count();
}

ordered_json settings_json(const DemoSettings& settings) {
  ordered_json json{{"failure_threshold", settings.policy.failure_threshold},
                    {"recovery_timeout_ms", settings.policy.recovery_timeout.count()},
                    {"permitted_calls_in_half_open", settings.policy.permitted_calls_in_half_open},
                    {"success_threshold", settings.policy.success_threshold},
                    {"probe_timeout_ms", settings.policy.probe_timeout.count()},
                    {"seed", settings.seed},
                    {"attempts", settings.attempts},
                    {"interval_ms", settings.interval.count()}};
  if (settings.plan.empty()) {
    json["failure_rate"] = settings.failure_rate;
  } else {
    json["plan"] = settings.plan;
  }
  return json;
}

std::ofstream open_for_writing(const std::string& path) {
  std::ofstream file;
  if (path.empty()) return file;
  file.open(path);
  if (!file) throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
  return file;
}

}  // namespace

DemoReport::DemoReport(DemoSettings settings) : settings_(std::move(settings)), out_(open_for_writing(settings_.out)) {
  const std::string upstream =
      settings_.plan.empty() ? fmt::format("{:g} % of calls fail", settings_.failure_rate * 100) : "by plan";
  std::cout << fmt::format("{} attempts, {} apart; {}; threshold {}, recovery {}; seed {}\n", settings_.attempts,
                           program::to_text(settings_.interval), upstream, settings_.policy.failure_threshold,
                           program::to_text(settings_.policy.recovery_timeout), settings_.seed);
  if (!settings_.plan.empty()) std::cout << "plan: " << settings_.plan << '\n';
  std::cout << fmt::format("\n{:>8} {:>8}   {:<24}  {}\n", "time", "attempt", "what happened", "circuit") << std::flush;
}

void DemoReport::add(const Attempt& attempt) {
  attempts_.push_back(attempt);
  std::cout << fmt::format("{:>8} {:>8}   {}  {}\n", seconds(attempt.at), attempts_.size(), result_of(attempt),
                           paint(attempt.state));
  for (const auto& transition : attempt.transitions) {
    std::cout << fmt::format("{:20}{} -> {}: {}\n", "", paint(transition.from), paint(transition.to), transition.cause);
  }
  std::cout << std::flush;
}

void DemoReport::finish() {
  const int reached = static_cast<int>(attempts_.size()) - blocked();
  std::cout << fmt::format("\nattempts          {:>6}\n", attempts_.size())
            << fmt::format("reached upstream  {:>6}   {} of them failed\n", reached, reached - count(Fate::success))
            << fmt::format("blocked           {:>6}   the upstream never saw them\n", blocked())
            << fmt::format("transitions       {:>6}\n", transitions().size()) << std::flush;
  if (!out_.is_open()) return;
  out_ << json() << '\n' << std::flush;
  if (!out_) throw std::runtime_error("cannot write " + settings_.out + ": " + std::strerror(errno));
}

int DemoReport::count(Fate fate) const {
  return static_cast<int>(std::count_if(attempts_.begin(), attempts_.end(), [fate](const Attempt& attempt) {
    return attempt.answer == std::variant<Fate, Rejection>(fate);
  }));
}

int DemoReport::blocked() const {
  return static_cast<int>(std::count_if(attempts_.begin(), attempts_.end(), [](const Attempt& attempt) {
    return std::holds_alternative<Rejection>(attempt.answer);
  }));
}

std::vector<Transition> DemoReport::transitions() const {
  std::vector<Transition> all;
  for (const auto& attempt : attempts_) {
    all.insert(all.end(), attempt.transitions.begin(), attempt.transitions.end());
  }
  return all;
}

std::string DemoReport::json() const {
  ordered_json attempts = ordered_json::array();
  for (const auto& attempt : attempts_) {
    attempts.push_back({{"at_ms", attempt.at.count()},
                        {"status", status(attempt)},
                        {"state", to_text(attempt.state)},
                        {"probe", attempt.probe}});
  }
  ordered_json changes = ordered_json::array();
  for (const auto& transition : transitions()) {
    changes.push_back({{"generation", transition.generation},
                       {"from", to_text(transition.from)},
                       {"to", to_text(transition.to)},
                       {"cause", transition.cause},
                       {"at_ms", at_ms(transition)}});
  }
  const int success = count(Fate::success);
  const int failure = static_cast<int>(attempts_.size()) - blocked() - success;
  const ordered_json calls{{"success", success}, {"failure", failure}, {"exception", 0}, {"blocked", blocked()}};
  return ordered_json{{"stage", "simple"},
                      {"settings", settings_json(settings_)},
                      {"calls", calls},
                      {"attempts", attempts},
                      {"transitions", changes}}
      .dump();
}

}  // namespace cb
