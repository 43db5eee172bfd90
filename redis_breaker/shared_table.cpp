#include "redis_breaker/shared_table.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "redis_breaker/state_machine_lua.hpp"

namespace cb {
namespace {

using std::chrono::microseconds;

std::vector<std::string> keys_of(const std::string& name) {
  const std::string prefix = "cb:" + name + ":";
  return {prefix + "state", prefix + "failures", prefix + "last_failure", prefix + "breaker", prefix + "probes"};
}

std::string in_microseconds(std::chrono::milliseconds duration) {
  return std::to_string(microseconds(duration).count());
}

std::string_view text_of(const redisReply& reply) {
  return reply.type == REDIS_REPLY_STRING ? std::string_view(reply.str, reply.len) : std::string_view();
}

std::optional<State> state_of(const redisReply& reply) {
  for (const State state : {State::closed, State::open, State::half_open}) {
    if (to_text(state) == text_of(reply)) return state;
  }
  return std::nullopt;
}

std::optional<SharedAnswer::Kind> kind_of(const redisReply& reply) {
  using Kind = SharedAnswer::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 4> kinds{
      {{"permit", Kind::permit}, {"rejected", Kind::rejected}, {"settled", Kind::settled}, {"late", Kind::late}}};
  for (const auto& [name, kind] : kinds) {
    if (name == text_of(reply)) return kind;
  }
  return std::nullopt;
}

// Lua numbers come as integers, or as text where Redis might round them.
uint64_t number_of(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return static_cast<uint64_t>(reply.integer);
  uint64_t number = 0;
  const std::string_view text = text_of(reply);
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

TimePoint time_of(const redisReply& reply) { return TimePoint(microseconds(number_of(reply))); }

std::optional<Transition> transition_of(const redisReply& reply, TimePoint now) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 4) return std::nullopt;
  const auto from = state_of(*reply.element[0]);
  const auto to = state_of(*reply.element[1]);
  if (!from || !to) return std::nullopt;
  return Transition{*from, *to, number_of(*reply.element[2]), std::string(text_of(*reply.element[3])), now};
}

std::optional<SharedAnswer> answer_of(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 8) return std::nullopt;
  const auto part = [&reply](size_t i) -> const redisReply& { return *reply.element[i]; };
  const auto kind = kind_of(part(0));
  const auto state = state_of(part(4));
  if (!kind || !state) return std::nullopt;
  SharedAnswer answer{*kind,  number_of(part(1)), microseconds(number_of(part(2))),     time_of(part(3)),
                      *state, number_of(part(5)), static_cast<int>(number_of(part(6))), {}};
  for (size_t i = 0; i < part(7).elements; ++i) {
    auto transition = transition_of(*part(7).element[i], answer.now);
    if (!transition) return std::nullopt;
    answer.transitions.push_back(*std::move(transition));
  }
  return answer;
}

}  // namespace

Script state_machine_script() { return {std::string(state_machine_lua), std::string(state_machine_sha1)}; }

SharedTable::SharedTable(Redis& redis, const std::string& name, const Policy& policy, Script script)
    : redis_(redis),
      script_(std::move(script)),
      keys_(keys_of(name)),
      policy_{std::to_string(policy.failure_threshold), in_microseconds(policy.recovery_timeout),
              std::to_string(policy.permitted_calls_in_half_open), std::to_string(policy.success_threshold),
              in_microseconds(policy.probe_timeout)} {}

SharedTable::Result SharedTable::acquire(const Seen& seen) const { return run("acquire", seen); }
SharedTable::Result SharedTable::look(const Seen& seen) const { return run("look", seen); }

SharedTable::Result SharedTable::settle(const Seen& seen, const PermitId& permit, Outcome outcome) const {
  return run("settle", seen,
             {std::to_string(permit.generation), std::to_string(permit.probe), std::string(to_text(outcome))});
}

SharedTable::Result SharedTable::run(const std::string& operation, const Seen& seen,
                                     const std::vector<std::string>& permit) const {
  std::vector<std::string> arguments{operation};
  arguments.insert(arguments.end(), policy_.begin(), policy_.end());
  arguments.push_back(std::to_string(seen.generation));
  arguments.emplace_back(to_text(seen.state));
  arguments.insert(arguments.end(), permit.begin(), permit.end());
  const RedisReply reply = evaluate(arguments);
  if (!reply.error().empty()) return StoreTrouble{reply.error()};
  auto answer = answer_of(*reply);
  if (!answer) return StoreTrouble{"the script's answer makes no sense"};
  return *std::move(answer);
}

RedisReply SharedTable::evaluate(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command{"EVALSHA", script_.sha1, std::to_string(keys_.size())};
  command.insert(command.end(), keys_.begin(), keys_.end());
  command.insert(command.end(), arguments.begin(), arguments.end());
  RedisReply reply = redis_.command(command);
  if (reply.error().rfind("NOSCRIPT", 0) != 0) return reply;
  command[0] = "EVAL";  // Redis was restarted, or told to forget; this loads the script as well
  command[1] = script_.source;
  return redis_.command(command);
}

}  // namespace cb
