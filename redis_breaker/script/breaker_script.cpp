#include "redis_breaker/script/breaker_script.hpp"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <optional>
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

// As a run_id begins; nothing where it is not known.
std::string in_hex(uint64_t run) {
  std::array<char, 17> digits{};
  if (run == 0) return "";
  std::snprintf(digits.data(), digits.size(), "%016" PRIx64, run);
  return digits.data();
}

std::string as_json(milliseconds duration) { return in_microseconds(duration); }
std::string as_json(double number) { return to_text(number); }

std::string to_json(const Policy& policy) {
  std::string json = "{";
  for (const Setting<Policy>& setting : settings()) {
    json += "\"" + std::string(setting.name) + "\":";
    json += std::visit([&](auto field) { return as_json(policy.*field); }, setting.field) + ",";
  }
  return json + "\"keeps_window\":" + (policy.keeps_window() ? "true" : "false") + "}";
}

std::optional<State> state_of(const redisReply& reply) {
  for (const State state : {State::closed, State::open, State::half_open}) {
    if (to_text(state) == redis::text_of(reply)) return state;
  }
  return std::nullopt;
}

std::optional<SharedAnswer::Kind> kind_of(const redisReply& reply) {
  using Kind = SharedAnswer::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 4> kinds{
      {{"permit", Kind::permit}, {"rejected", Kind::rejected}, {"settled", Kind::settled}, {"late", Kind::late}}};
  for (const auto& [name, kind] : kinds) {
    if (name == redis::text_of(reply)) return kind;
  }
  return std::nullopt;
}

// Lua numbers come as integers; those of a transition, as text.
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

bool read_transitions(const redisReply& reply, SharedAnswer& answer) {
  for (size_t i = 0; i < reply.elements; ++i) {
    auto transition = transition_of(*reply.element[i], answer.now);
    if (!transition) return false;
    answer.transitions.push_back(*std::move(transition));
  }
  return true;
}

// Lua's false: there is nothing to say.
bool is_nothing(const redisReply& reply) { return reply.type == REDIS_REPLY_NIL; }

bool read_override(const redisReply& reply, SharedAnswer& answer) {
  if (is_nothing(reply)) return true;
  if (!is_list(reply, 4)) return false;
  const auto mode = mode_from(redis::text_of(*reply.element[0]));
  if (!mode) return false;
  answer.active_override = {*mode, std::string(redis::text_of(*reply.element[1])),
                            std::string(redis::text_of(*reply.element[2]))};
  if (number_of(*reply.element[3]) > 0) answer.override_until = time_of(*reply.element[3]);
  return true;
}

bool read_recent(const redisReply& reply, SharedAnswer& answer) {
  if (is_nothing(reply)) return true;
  if (!is_list(reply, 3)) return false;
  const auto part = [&reply](size_t i) { return static_cast<uint32_t>(number_of(*reply.element[i])); };
  answer.recent = {part(0), part(1), part(2)};
  return true;
}

std::optional<SharedAnswer> answer_of(const redisReply& reply) {
  if (!is_list(reply, 13)) return std::nullopt;
  const auto part = [&reply](size_t i) -> const redisReply& { return *reply.element[i]; };
  const auto kind = kind_of(part(0));
  const auto state = state_of(part(4));
  if (!kind || !state) return std::nullopt;
  SharedAnswer answer{.kind = *kind,
                      .probe = number_of(part(1)),
                      .wait = microseconds(number_of(part(2))),
                      .now = time_of(part(3)),
                      .state = *state,
                      .generation = number_of(part(5)),
                      .epoch = number_of(part(11)),
                      .failures = static_cast<int>(number_of(part(6))),
                      .late_successes = static_cast<uint32_t>(number_of(part(12))),
                      .would_have_tripped = std::string(redis::text_of(part(8)))};
  const bool whole =
      read_transitions(part(7), answer) && read_override(part(9), answer) && read_recent(part(10), answer);
  return whole ? std::optional(std::move(answer)) : std::nullopt;
}

}  // namespace

Script shared_table_script() { return {std::string(shared_table_lua), std::string(shared_table_sha1)}; }

SharedTable::SharedTable(redis::Client& client, const Policy& policy, std::string instance, Script script)
    : client_(client), policy_(to_json(policy)), instance_(std::move(instance)), script_(std::move(script)) {}

SharedTable::Result SharedTable::acquire(const std::string& name, const Seen& seen) const {
  return run(name, "acquire", seen);
}

SharedTable::Result SharedTable::tick(const std::string& name, const Seen& seen) const {
  return run(name, "look", seen);
}

SharedTable::Result SharedTable::join(const std::string& name, const Seen& seen) const {
  return run(name, "join", seen);
}

SharedTable::Result SharedTable::settle(const std::string& name, const Seen& seen, const PermitId& permit,
                                        const CallResult& result) const {
  return run(name, "settle", seen,
             {std::to_string(permit.generation), std::to_string(permit.probe), std::string(to_text(result.outcome)),
              std::to_string(result.took.count()), instance_});
}

SharedTable::Result SharedTable::apply_override(const std::string& name, const Seen& seen, const Override& order,
                                                milliseconds lasts) const {
  return run(name, "apply_override", seen,
             {std::string(to_text(order.mode)), order.actor, order.reason, in_microseconds(lasts)});
}

SharedTable::Result SharedTable::report_health(const std::string& name, const Seen& seen, Health health) const {
  return run(name, "hear", seen, {health == Health::up ? "well" : "ill"});
}

SharedTable::Result SharedTable::run(const std::string& name, const std::string& operation, const Seen& seen,
                                     const std::vector<std::string>& further) const {
  std::vector<std::string> command{"EVALSHA", script_.sha1, std::to_string(key_names.size())};
  const std::string prefix = client_.prefix(name);
  for (const char* key : key_names) command.push_back(prefix + key);
  command.insert(command.end(), {operation, policy_, std::to_string(seen.generation), std::string(to_text(seen.state)),
                                 std::to_string(seen.epoch), in_hex(seen.run), std::to_string(seen.open_for.count()),
                                 std::to_string(seen.successes)});
  command.insert(command.end(), further.begin(), further.end());
  const redis::Reply reply = evaluate(name, std::move(command));
  if (!reply.error().empty()) return StoreTrouble{reply.error()};
  auto answer = answer_of(*reply);
  if (!answer) return StoreTrouble{"the script's answer makes no sense"};
  answer->origin = reply.origin();
  return *std::move(answer);
}

redis::Reply SharedTable::evaluate(const std::string& name, std::vector<std::string> command) const {
  redis::Reply reply = client_.command(command, name);
  if (reply.error().rfind("NOSCRIPT", 0) != 0) return reply;
  command[0] = "EVAL";  // Redis was restarted, or told to forget; this loads the script as well
  command[1] = script_.source;
  return client_.command(command, name);
}

}  // namespace cb
