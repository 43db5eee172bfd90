#include "simple_breaker/traces/trace.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

namespace cb {
namespace {

constexpr std::string_view arrow = "-> ";

std::string counts_of(const Snapshot& snapshot) {
  std::string failures = plural(static_cast<uint64_t>(snapshot.counts.failures), "failure");
  const CallCounts recent = total(snapshot.counts.window);
  if (recent.calls == 0) return failures;
  return failures + "; of " + plural(recent.calls, "call") + " " + std::to_string(recent.failures) + " failed, " +
         std::to_string(recent.slow) + " slow";
}

std::string to_text(const Transitions& transitions) {
  std::string text;
  for (const Transition& each : transitions) {
    text += (text.empty() ? " " : ", ") + std::string(to_text(each.from)) + " > " + std::string(to_text(each.to)) +
            ": " + each.cause;
  }
  return text;
}

[[noreturn]] void refuse(const std::string& event) { throw std::invalid_argument("unknown event: " + event); }

std::chrono::milliseconds duration(const std::string& text) { return std::chrono::milliseconds(std::stol(text)); }

class Player {
 public:
  explicit Player(Table& table) : table_(table) {}

  std::string play(const std::string& event) {
    std::istringstream words(event);
    std::string at, who, verb, what, preposition, length = "0";
    words >> at >> who >> verb;
    if (verb == "is" || verb == "requests") words >> what;
    words >> preposition >> length;
    now_ = TimePoint{duration(at)};
    if (length == "times") return settle_successes(who, std::stoull(preposition));
    if (verb == "looks") return tick();
    if (verb == "acquires") return acquire(who);
    if (verb == "requests") return apply_override(who, what, duration(length), event);
    if (who == "upstream") return report_health(what == "up" ? Health::up : Health::down);
    return settle(who, {outcome_of(verb, event), duration(length)});
  }

 private:
  std::string acquire(const std::string& call) {
    const Decision decision = table_.admit(now_);
    if (const auto* permit = std::get_if<PermitId>(&decision.answer)) permits_[call] = *permit;
    return to_text(decision, table_.snapshot());
  }

  std::string settle(const std::string& call, const CallResult& result) {
    const Settlement settlement = table_.settle(permits_.at(call), result, now_);
    return to_text(settlement, table_.snapshot());
  }

  std::string settle_successes(const std::string& call, uint64_t times) {
    const Settlement settlement = table_.settle_successes(permits_.at(call), times, now_);
    return to_text(settlement, table_.snapshot());
  }

  std::string apply_override(const std::string& actor, const std::string& mode, std::chrono::milliseconds lasts,
                             const std::string& event) {
    if (!mode_from(mode)) refuse(event);
    const Transitions transitions = table_.apply_override({*mode_from(mode), actor, ""}, lasts, now_);
    return "applied [" + state() + "]" + to_text(transitions);
  }

  std::string report_health(Health health) {
    const Transitions transitions = table_.report_health(health, now_);
    return "noted [" + state() + "]" + to_text(transitions);
  }

  // A person asks for the status.
  std::string tick() {
    const Transitions transitions = table_.tick(now_);
    return "seen [" + state() + "]" + to_text(transitions);
  }

  std::string state() { return std::string(to_text(table_.snapshot().state)); }

  static Outcome outcome_of(const std::string& verb, const std::string& event) {
    if (verb == "succeeds") return Outcome::success;
    if (verb == "fails") return Outcome::failure;
    if (verb == "is") return Outcome::ignored;
    refuse(event);
  }

  Table& table_;
  TimePoint now_;
  std::map<std::string, PermitId> permits_;
};

void assign(int& field, double value) { field = static_cast<int>(value); }
void assign(double& field, double value) { field = value; }
void assign(std::chrono::milliseconds& field, double value) {
  field = std::chrono::milliseconds(static_cast<int64_t>(value));
}

void set(Policy& policy, const std::string& name, double value) {
  for (const Setting<Policy>& setting : settings()) {
    if (setting.json_name() != name) continue;
    return std::visit([&](auto field) { assign(policy.*field, value); }, setting.field);
  }
  throw std::invalid_argument("unknown setting: " + name);
}

}  // namespace

std::string to_text(const Decision& decision, const Snapshot& after) {
  if (const auto* rejection = std::get_if<Rejection>(&decision.answer)) {
    return "rejected, retry in " + std::to_string(rejection->retry_after.count()) + "ms" +
           to_text(decision.transitions);
  }
  const PermitId& permit = std::get<PermitId>(decision.answer);
  if (permit.probe == 0) return "admitted" + to_text(decision.transitions);
  return "probe " + std::to_string(permit.probe) + " [" + std::string(to_text(after.state)) + "]" +
         to_text(decision.transitions);
}

std::string to_text(const Settlement& settlement, const Snapshot& after) {
  return std::string(settlement.late ? "late" : "settled") + " [" + std::string(to_text(after.state)) + ", " +
         counts_of(after) + "]" + to_text(settlement.transitions) +
         (settlement.would_have_tripped ? " would have opened: " + *settlement.would_have_tripped : "");
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
  std::istringstream words(trace.substr(start + 8, trace.find('\n', start + 1) - start - 8));
  Policy policy;
  for (std::string setting; words >> setting;) {
    const auto equals = setting.find('=');
    set(policy, setting.substr(0, equals), std::stod(setting.substr(equals + 1)));
  }
  return policy;
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
