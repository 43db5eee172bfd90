#include "simple_breaker/trace.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

namespace cb {
namespace {

constexpr std::string_view arrow = "-> ";

std::string failures_of(const Snapshot& snapshot) {
  return std::to_string(snapshot.failures) + (snapshot.failures == 1 ? " failure" : " failures");
}

std::string to_text(const std::optional<Transition>& transition) {
  if (!transition) return "";
  return " " + std::string(to_text(transition->from)) + " > " + std::string(to_text(transition->to)) + ": " +
         transition->cause;
}

Outcome outcome_of(const std::string& verb, const std::string& line) {
  if (verb == "succeeds") return Outcome::success;
  if (verb == "fails") return Outcome::failure;
  if (verb == "is") return Outcome::ignored;
  throw std::invalid_argument("no such event: " + line);
}

class Player {
 public:
  explicit Player(Table& table) : table_(table) {}

  std::string play(const std::string& event) {
    std::istringstream words(event);
    std::string at, call, verb;
    words >> at >> call >> verb;
    const TimePoint now{std::chrono::milliseconds(std::stol(at))};
    if (verb == "acquires") return acquire(call, now);
    const Settlement settlement = table_.settle(permits_.at(call), outcome_of(verb, event), now);
    return to_text(settlement, table_.look());
  }

 private:
  std::string acquire(const std::string& call, TimePoint now) {
    const Decision decision = table_.admit(now);
    if (const auto* permit = std::get_if<PermitId>(&decision.answer)) permits_[call] = *permit;
    return to_text(decision, table_.look());
  }

  Table& table_;
  std::map<std::string, PermitId> permits_;
};

}  // namespace

std::string to_text(const Decision& decision, const Snapshot& after) {
  if (const auto* rejection = std::get_if<Rejection>(&decision.answer)) {
    return "rejected, retry in " + std::to_string(rejection->retry_after.count()) + "ms";
  }
  const PermitId& permit = std::get<PermitId>(decision.answer);
  if (permit.probe == 0) return "admitted";
  return "probe " + std::to_string(permit.probe) + " [" + std::string(to_text(after.state)) + "]" +
         to_text(decision.transition);
}

std::string to_text(const Settlement& settlement, const Snapshot& after) {
  return std::string(settlement.late ? "late" : "settled") + " [" + std::string(to_text(after.state)) + ", " +
         failures_of(after) + "]" + to_text(settlement.transition);
}

std::string replay(const std::string& trace, Table& table) {
  Player player(table);
  std::istringstream lines(trace);
  std::string replayed;
  for (std::string line; std::getline(lines, line);) {
    const auto answer = line.find(arrow);
    if (answer == std::string::npos || line.front() == '#') {
      replayed += line + "\n";
      continue;
    }
    const std::string event = line.substr(0, answer);
    replayed += event + std::string(arrow) + player.play(event) + "\n";
  }
  return replayed;
}

Policy policy_of(const std::string& trace) {
  const auto start = trace.find("\npolicy ");
  if (start == std::string::npos) throw std::invalid_argument("a trace needs a line that starts with 'policy'");
  std::istringstream settings(trace.substr(start + 8, trace.find('\n', start + 1) - start - 8));
  std::map<std::string, int> values;
  for (std::string setting; settings >> setting;) {
    const auto equals = setting.find('=');
    values[setting.substr(0, equals)] = std::stoi(setting.substr(equals + 1));
  }
  return {values.at("failure_threshold"), std::chrono::milliseconds(values.at("recovery_timeout_ms")),
          values.at("permitted_calls_in_half_open"), values.at("success_threshold"),
          std::chrono::milliseconds(values.at("probe_timeout_ms"))};
}

std::vector<NamedTrace> read_traces(const std::string& folder) {
  std::vector<NamedTrace> traces;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".trace") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    traces.push_back({entry.path().stem().string(), text.str()});
  }
  std::sort(traces.begin(), traces.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return traces;
}

}  // namespace cb
