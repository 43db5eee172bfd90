#include "redis_breaker/script/breaker_script.hpp"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <random>
#include <regex>
#include <sstream>
#include <string_view>
#include <utility>

#include "redis_breaker/script/breaker_script_lua.hpp"

namespace cb {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::array<const char*, 7> key_names{"state",  "failures", "last_failure", "breaker",
                                               "probes", "window",   "reporters"};

std::string in_microseconds(std::chrono::milliseconds duration) {
  return std::to_string(microseconds(duration).count());
}

// The first 16 digits of a run_id; empty if it is unknown.
std::string to_hex(uint64_t run) {
  std::array<char, 17> digits{};
  if (run == 0) return "";
  std::snprintf(digits.data(), digits.size(), "%016" PRIx64, run);
  return digits.data();
}

std::string as_json(milliseconds duration) { return in_microseconds(duration); }
std::string as_json(double number) { return to_text(number); }

// FNV-1a: differs if the settings differ, and is short enough to be stored with each breaker.
std::string fingerprint_of(const std::string& settings) {
  uint32_t hash = 2'166'136'261;
  for (const unsigned char letter : settings) hash = (hash ^ letter) * 16'777'619;
  std::array<char, 9> digits{};
  std::snprintf(digits.data(), digits.size(), "%08" PRIx32, hash);
  return digits.data();
}

std::string to_json(const Policy& policy) {
  std::string json = "{";
  for (const Setting<Policy>& setting : settings()) {
    json += "\"" + std::string(setting.name) + "\":";
    json += std::visit([&](auto field) { return as_json(policy.*field); }, setting.field) + ",";
  }
  json += "\"fingerprint\":\"" + fingerprint_of(json) + "\",";
  return json + "\"keeps_window\":" + (policy.keeps_window() ? "true" : "false") + "}";
}

std::optional<State> state_of(const redisReply& reply) {
  for (const State state : {State::closed, State::open, State::half_open}) {
    if (to_text(state) == redis::text_of(reply)) return state;
  }
  return std::nullopt;
}

std::optional<ScriptReply::Kind> kind_of(const redisReply& reply) {
  using Kind = ScriptReply::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 4> kinds{
      {{"permit", Kind::permit}, {"rejected", Kind::rejected}, {"settled", Kind::settled}, {"late", Kind::late}}};
  for (const auto& [name, kind] : kinds) {
    if (name == redis::text_of(reply)) return kind;
  }
  return std::nullopt;
}

// Lua numbers arrive as integers, the generation of a transition as text.
uint64_t number_of(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return static_cast<uint64_t>(reply.integer);
  uint64_t number = 0;
  const std::string_view text = redis::text_of(reply);
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

TimePoint time_of(const redisReply& reply) { return TimePoint(microseconds(number_of(reply))); }

std::optional<Transition> transition_of(const redisReply& reply, TimePoint now) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 4) return std::nullopt;
  const auto from = state_of(*reply.element[0]);
  const auto to = state_of(*reply.element[1]);
  if (!from || !to) return std::nullopt;
  return Transition{*from, *to, number_of(*reply.element[2]), std::string(redis::text_of(*reply.element[3])), now};
}

bool is_list(const redisReply& reply, size_t length) {
  return reply.type == REDIS_REPLY_ARRAY && reply.elements == length;
}

bool read_transitions(const redisReply& reply, ScriptReply& parsed) {
  for (size_t i = 0; i < reply.elements; ++i) {
    auto transition = transition_of(*reply.element[i], parsed.now);
    if (!transition) return false;
    parsed.transitions.push_back(*std::move(transition));
  }
  return true;
}

// Lua's false stands for an absent part of the reply.
bool is_false(const redisReply& reply) { return reply.type == REDIS_REPLY_NIL; }

bool read_override(const redisReply& reply, ScriptReply& parsed) {
  if (is_false(reply)) return true;
  if (!is_list(reply, 4)) return false;
  const auto mode = mode_from(redis::text_of(*reply.element[0]));
  if (!mode) return false;
  parsed.active_override = {*mode, std::string(redis::text_of(*reply.element[1])),
                            std::string(redis::text_of(*reply.element[2]))};
  if (number_of(*reply.element[3]) > 0) parsed.override_until = time_of(*reply.element[3]);
  return true;
}

bool read_recent(const redisReply& reply, ScriptReply& parsed) {
  if (is_false(reply)) return true;
  if (!is_list(reply, 3)) return false;
  parsed.recent = {number_of(*reply.element[0]), number_of(*reply.element[1]), number_of(*reply.element[2])};
  return true;
}

bool read_removals(const redisReply& reply, ScriptReply& parsed) {
  if (is_false(reply)) return true;
  if (!is_list(reply, 2)) return false;
  parsed.removals = Removals{number_of(*reply.element[0]), number_of(*reply.element[1])};
  return true;
}

std::optional<ScriptReply> parse_reply(const redisReply& reply) {
  if (!is_list(reply, 16)) return std::nullopt;
  const auto field = [&reply](size_t i) -> const redisReply& { return *reply.element[i]; };
  const auto kind = kind_of(field(0));
  const auto state = state_of(field(4));
  if (!kind || !state) return std::nullopt;
  ScriptReply parsed{.kind = *kind,
                     .probe = number_of(field(1)),
                     .wait = microseconds(number_of(field(2))),
                     .now = time_of(field(3)),
                     .state = *state,
                     .generation = number_of(field(5)),
                     .epoch = number_of(field(11)),
                     .failures = static_cast<int>(number_of(field(6))),
                     .late_successes = number_of(field(12)),
                     .would_have_tripped = std::string(redis::text_of(field(8))),
                     .forgotten = number_of(field(14)) == 1,
                     .other_settings = std::string(redis::text_of(field(15)))};
  const bool complete = read_transitions(field(7), parsed) && read_override(field(9), parsed) &&
                        read_recent(field(10), parsed) && read_removals(field(13), parsed);
  return complete ? std::optional(std::move(parsed)) : std::nullopt;
}

// Random: hosts and containers give their instances the same names.
std::string unique(const std::string& instance) {
  std::array<char, 9> suffix{};
  std::snprintf(suffix.data(), suffix.size(), "%08x", std::random_device{}());
  return instance + "#" + suffix.data();
}

bool asks_for_more(const redis::Reply& reply) {
  return reply.error().empty() && is_list(*reply, 1) && redis::text_of(*reply->element[0]) == "more";
}

std::vector<std::string> known_in_short(const LastKnown& known) {
  return {std::to_string(known.generation),
          std::string(to_text(known.state)),
          std::to_string(known.epoch),
          to_hex(known.run),
          std::to_string(known.open_for.count()),
          std::to_string(known.successes)};
}

std::vector<std::string> known_in_detail(const LastKnown& known) {
  return {"8",
          std::to_string(known.at.time_since_epoch().count()),
          std::to_string(known.removals.evicted),
          std::to_string(known.removals.flushes),
          std::to_string(known.failures),
          std::string(to_text(known.active_override.mode)),
          std::to_string(known.override_for.count()),
          known.active_override.actor,
          known.active_override.reason};
}

}  // namespace

std::string with_refused_command(const std::string& error, const std::string& script) {
  static const std::regex where(R"(@user_script: ?(\d{1,5}))");
  static const std::regex call(R"(redis\.p?call\('([A-Z]+)')");
  std::smatch found;
  const bool is_refusal = error.find("The user executing the script can't") != std::string::npos;
  if (!is_refusal || error.size() > 1000 || !std::regex_search(error, found, where)) return error;
  std::istringstream lines(script);
  std::string line;
  for (int number = std::stoi(found[1]); number > 0; --number) std::getline(lines, line);
  return std::regex_search(line, found, call) ? error + " (" + found[1].str() + ")" : error;
}

Script breaker_script_source() { return {std::string(breaker_script_lua), std::string(breaker_script_sha1)}; }

BreakerScript::BreakerScript(redis::Client& client, const Policy& policy, const std::string& instance, Script script)
    : client_(client), policy_(to_json(policy)), instance_(unique(instance)), script_(std::move(script)) {}

BreakerScript::Result BreakerScript::acquire(const std::string& name, const LastKnown& last_known) const {
  return run(name, "acquire", last_known);
}

BreakerScript::Result BreakerScript::tick(const std::string& name, const LastKnown& last_known) const {
  return run(name, last_known.is_count_due ? "poll" : "tick", last_known);
}

BreakerScript::Result BreakerScript::reconnect(const std::string& name, const LastKnown& last_known) const {
  return run(name, "reconnect", last_known);
}

BreakerScript::Result BreakerScript::settle(const std::string& name, const LastKnown& last_known,
                                            const PermitId& permit, const CallResult& result) const {
  return run(name, "settle", last_known,
             {std::to_string(permit.generation), std::to_string(permit.probe), std::string(to_text(result.outcome)),
              std::to_string(result.took.count()), instance_});
}

BreakerScript::Result BreakerScript::apply_override(const std::string& name, const LastKnown& last_known,
                                                    const Override& order, milliseconds lasts) const {
  return run(name, "apply_override", last_known,
             {std::string(to_text(order.mode)), order.actor, order.reason, in_microseconds(lasts)});
}

BreakerScript::Result BreakerScript::report_health(const std::string& name, const LastKnown& last_known,
                                                   Health health) const {
  return run(name, "report_health", last_known, {health == Health::up ? "up" : "down"});
}

BreakerScript::Result BreakerScript::run(const std::string& name, const std::string& operation,
                                         const LastKnown& last_known,
                                         const std::vector<std::string>& more_arguments) const {
  std::vector<std::string> arguments{operation, policy_};
  const auto add = [&arguments](const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
  };
  add(known_in_short(last_known));
  const size_t details_at = arguments.size();
  arguments.emplace_back("0");
  add(more_arguments);
  redis::Reply reply = evaluate(name, arguments);
  if (asks_for_more(reply)) {
    arguments.resize(details_at);
    add(known_in_detail(last_known));
    add(more_arguments);
    reply = evaluate(name, arguments);
  }
  if (!reply.error().empty()) return StoreTrouble{with_refused_command(reply.error(), script_.source)};
  auto parsed = parse_reply(*reply);
  if (!parsed) return StoreTrouble{"the script's reply is malformed"};
  parsed->origin = reply.origin();
  parsed->verified_at = reply.verified_at();
  return *std::move(parsed);
}

redis::Reply BreakerScript::evaluate(const std::string& name, const std::vector<std::string>& arguments) const {
  std::vector<std::string> command{"EVALSHA", script_.sha1, std::to_string(key_names.size())};
  const std::string prefix = client_.prefix(name);
  for (const char* key : key_names) command.push_back(prefix + key);
  command.insert(command.end(), arguments.begin(), arguments.end());
  redis::Reply reply = client_.command(command, name);
  if (reply.error().rfind("NOSCRIPT", 0) != 0) return reply;
  command[0] = "EVAL";  // after a restart or SCRIPT FLUSH; EVAL loads it as well
  command[1] = script_.source;
  return client_.command(command, name);
}

}  // namespace cb
