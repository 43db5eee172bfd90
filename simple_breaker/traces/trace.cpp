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

Outcome outcome_of(const std::string& verb, const std::string& event) {
  if (verb == "succeeds") return Outcome::success;
  if (verb == "fails") return Outcome::failure;
  if (verb == "is") return Outcome::ignored;
  refuse(event);
}

std::string answer_in(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::admitted:
      return reply.permit.probe == 0 ? "admitted" : "probe " + std::to_string(reply.permit.probe);
    case Reply::Kind::rejected:
      return "rejected, retry in " + std::to_string(reply.retry_after.count()) + "ms";
    case Reply::Kind::settled:
      return "settled";
    case Reply::Kind::late:
      return "late";
    case Reply::Kind::noted:
      return "";
  }
  return "";
}

class Player {
 public:
  explicit Player(Table& table) : table_(table) {}

  std::string play(const std::string& line) {
    std::istringstream words(line);
    std::string at, who, verb, what, preposition, length = "0";
    words >> at >> who >> verb;
    if (verb == "is" || verb == "requests") words >> what;
    words >> preposition >> length;
    const TimePoint now{duration(at)};
    if (verb == "looks") return "seen" + after(table_.apply(Tick{}, now));
    if (verb == "acquires") return acquire(who, now);
    if (verb == "requests") return apply_override({mode(what, line), who, ""}, duration(length), now);
    if (who == "upstream")
      return "noted" + after(table_.apply(HealthReport{what == "up" ? Health::up : Health::down}, now));
    if (length == "times") return settle({permits_.at(who), {outcome_of(verb, line)}, std::stoull(preposition)}, now);
    return settle({permits_.at(who), {outcome_of(verb, line), duration(length)}}, now);
  }

 private:
  std::string acquire(const std::string& call, TimePoint now) {
    const Reply reply = table_.apply(Acquire{}, now);
    const bool is_probe = reply.permit.probe != 0;
    if (reply.kind == Reply::Kind::admitted) permits_[call] = reply.permit;
    return answer_in(reply) + (is_probe ? after(reply) : to_text(reply.transitions));
  }

  std::string settle(const Settle& event, TimePoint now) {
    const Reply reply = table_.apply(event, now);
    return answer_in(reply) + " [" + std::string(to_text(reply.state)) + ", " + counts_of(table_.snapshot()) + "]" +
           to_text(reply.transitions) +
           (reply.would_have_tripped ? " would have opened: " + *reply.would_have_tripped : "");
  }

  std::string apply_override(const Override& order, std::chrono::milliseconds lasts, TimePoint now) {
    return "applied" + after(table_.apply(ApplyOverride{order, lasts}, now));
  }

  static Mode mode(const std::string& text, const std::string& line) {
    if (!mode_from(text)) refuse(line);
    return *mode_from(text);
  }

  static std::string after(const Reply& reply) {
    return " [" + std::string(to_text(reply.state)) + "]" + to_text(reply.transitions);
  }

  Table& table_;
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
