#include "redis_breaker/script/script_call.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <regex>
#include <sstream>
#include <string_view>
#include <utility>

#include "redis_breaker/script/breaker_script_lua.hpp"
#include "simple_breaker/clock.hpp"

namespace cb {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::array<const char*, 7> key_names{"state",  "failures", "last_failure", "breaker",
                                               "probes", "window",   "reporters"};

// --- arguments

std::string hex(uint64_t number, int digits) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%0*" PRIx64, digits, number);
  return text.data();
}

double as_double(milliseconds duration) { return static_cast<double>(microseconds(duration).count()); }
double as_double(double number) { return number; }

// All settings, as little-endian doubles.
std::string packed(const Policy& policy) {
  std::string bytes;
  for (const Setting<Policy>& setting : settings()) {
    const double value = std::visit([&](auto field) { return as_double(policy.*field); }, setting.field);
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(bits >> shift);
  }
  return bytes;
}

// FNV-1a: differs if the settings differ, and is short enough to be stored with each breaker.
std::string fingerprint_of(const std::string& settings) {
  uint32_t hash = 2'166'136'261;
  for (const unsigned char letter : settings) hash = (hash ^ letter) * 16'777'619;
  return hex(hash, 8);
}

using Arguments = std::vector<std::string>;

void add(Arguments& arguments, std::initializer_list<std::string> more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
}

void add_known(Arguments& arguments, const LastKnown& known) {
  add(arguments, {std::to_string(known.generation), std::string(to_text(known.state)), std::to_string(known.epoch),
                  known.run == 0 ? "" : hex(known.run, 16), std::to_string(known.open_for.count())});
}

void add_details(Arguments& arguments, const LastKnown& known) {
  add(arguments, {std::to_string(known.at.time_since_epoch().count()), std::to_string(known.removals.evicted),
                  std::to_string(known.removals.flushes), std::to_string(known.failures),
                  std::string(to_text(known.active_override.mode)), std::to_string(known.override_for.count()),
                  known.active_override.actor, known.active_override.reason});
}

void add_event(Arguments& arguments, const Acquire&) { add(arguments, {"acquire"}); }
void add_event(Arguments& arguments, const Tick&) { add(arguments, {"tick"}); }
void add_event(Arguments& arguments, const HealthReport& report) {
  add(arguments, {"report_health", report.health == Health::up ? "up" : "down"});
}
void add_event(Arguments& arguments, const Settle& settle) {
  add(arguments, {"settle", std::to_string(settle.permit.generation), std::to_string(settle.permit.probe),
                  std::string(to_text(settle.result.outcome)), std::to_string(settle.result.took.count()),
                  std::to_string(settle.times)});
}
void add_event(Arguments& arguments, const ApplyOverride& order) {
  add(arguments, {"apply_override", std::string(to_text(order.override_.mode)), order.override_.actor,
                  order.override_.reason, std::to_string(order.lasts.count())});
}

// --- the answer: first what each one has, then names and values in turn

// Lua numbers arrive as integers, the generation of a transition as text.
uint64_t number_in(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return static_cast<uint64_t>(reply.integer);
  uint64_t number = 0;
  const std::string_view text = redis::text_of(reply);
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

TimePoint time_in(const redisReply& reply) { return TimePoint(microseconds(number_in(reply))); }
microseconds duration_in(const redisReply& reply) { return microseconds(number_in(reply)); }
std::string string_in(const redisReply& reply) { return std::string(redis::text_of(reply)); }

class AnswerReader {
 public:
  explicit AnswerReader(const Policy& policy) : policy_(policy) {}

  // Nothing: malformed.
  std::optional<Answer> read(const redisReply& reply) {
    if (!begins(reply, 6)) return std::nullopt;
    answer_.now = time_in(*reply.element[0]);
    answer_.state = state_in(*reply.element[1]);
    answer_.generation = number_in(*reply.element[2]);
    answer_.epoch = number_in(*reply.element[3]);
    answer_.failures = static_cast<int>(number_in(*reply.element[4]));
    const redisReply& replies = *reply.element[5];
    for (size_t i = 0; is_list(replies, replies.elements) && i < replies.elements; ++i) read_reply(*replies.element[i]);
    for_each_pair(reply, 6, [this](std::string_view name, const redisReply& value) { read_field(name, value); });
    return is_malformed_ ? std::nullopt : std::optional(std::move(answer_));
  }

 private:
  void read_field(std::string_view name, const redisReply& value) {
    if (name == "wait") answer_.wait = duration_in(value);
    if (name == "override") read_override(value);
    if (name == "recent" && is_list(value, 3)) {
      answer_.recent = {number_in(*value.element[0]), number_in(*value.element[1]), number_in(*value.element[2])};
    }
    if (name == "removals" && is_list(value, 2)) {
      answer_.removals = Removals{number_in(*value.element[0]), number_in(*value.element[1])};
    }
    if (name == "forgotten") answer_.forgotten = true;
    if (name == "other_settings") answer_.other_settings = string_in(value);
  }

  void read_override(const redisReply& value) {
    if (!is_list(value, 4)) return;
    const auto mode = mode_from(redis::text_of(*value.element[0]));
    is_malformed_ = is_malformed_ || !mode;
    answer_.active_override = {mode.value_or(Mode::automatic), string_in(*value.element[1]),
                               string_in(*value.element[2])};
    if (number_in(*value.element[3]) > 0) answer_.override_until = time_in(*value.element[3]);
  }

  void read_reply(const redisReply& value) {
    if (!begins(value, 2)) return;
    Reply reply{.kind = kind_in(*value.element[0]), .state = state_in(*value.element[1])};
    for_each_pair(value, 2,
                  [&](std::string_view name, const redisReply& field) { read_reply_field(reply, name, field); });
    if (reply.kind != Reply::Kind::admitted) reply.permit = {};
    answer_.replies.push_back(std::move(reply));
  }

  void read_reply_field(Reply& reply, std::string_view name, const redisReply& value) {
    if (name == "generation") reply.permit.generation = number_in(value);
    if (name == "probe") reply.permit.probe = number_in(value);
    if (name == "wait")
      reply.retry_after = retry_after(reply.state, answer_.now + duration_in(value), answer_.now, policy_);
    if (name == "would_have_tripped") reply.would_have_tripped = string_in(value);
    if (name != "transitions") return;
    for (size_t i = 0; is_list(value, value.elements) && i < value.elements; ++i) {
      const redisReply& each = *value.element[i];
      if (!is_list(each, 4)) return;
      reply.transitions.push_back({state_in(*each.element[0]), state_in(*each.element[1]), number_in(*each.element[2]),
                                   string_in(*each.element[3]), answer_.now});
    }
  }

  State state_in(const redisReply& value) {
    const auto state = state_from(redis::text_of(value));
    is_malformed_ = is_malformed_ || !state;
    return state.value_or(State::closed);
  }

  Reply::Kind kind_in(const redisReply& value) {
    using Kind = Reply::Kind;
    constexpr std::array<std::pair<std::string_view, Kind>, 5> kinds{{{"admitted", Kind::admitted},
                                                                      {"rejected", Kind::rejected},
                                                                      {"settled", Kind::settled},
                                                                      {"late", Kind::late},
                                                                      {"noted", Kind::noted}}};
    for (const auto& [name, kind] : kinds) {
      if (name == redis::text_of(value)) return kind;
    }
    is_malformed_ = true;
    return Kind::noted;
  }

  bool is_list(const redisReply& value, size_t length) {
    if (value.type == REDIS_REPLY_ARRAY && value.elements == length) return true;
    is_malformed_ = true;
    return false;
  }

  bool begins(const redisReply& value, size_t least) { return is_list(value, std::max(value.elements, least)); }

  void for_each_pair(const redisReply& list, size_t from, const auto& action) {
    for (size_t i = from; i + 1 < list.elements; i += 2) action(redis::text_of(*list.element[i]), *list.element[i + 1]);
  }

  const Policy& policy_;
  Answer answer_;
  bool is_malformed_ = false;
};

bool is_missing(const redis::Reply& reply) { return reply.error().rfind("NOSCRIPT", 0) == 0; }

bool asks_for_more(const redis::Reply& reply) {
  return reply.error().empty() && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
         redis::text_of(*reply->element[0]) == "more";
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

ScriptCaller::ScriptCaller(const Policy& policy, const std::string& instance, std::shared_ptr<const Script> script)
    : policy_(policy),
      about_caller_{packed(policy), fingerprint_of(packed(policy)), instance},
      script_(std::move(script)) {}

ScriptCall ScriptCaller::call(const BreakerKeys& keys, const LastKnown& known, const std::vector<Event>& events,
                              StateStore::Writes writes) const {
  return ScriptCall(*this, keys, known, events, writes);
}

ScriptCall::ScriptCall(const ScriptCaller& caller, const BreakerKeys& keys, const LastKnown& known,
                       const std::vector<Event>& events, StateStore::Writes writes)
    : caller_(caller), known_(known), events_(events.size()) {
  command_ = {"EVALSHA", caller.script_->sha1, std::to_string(key_names.size())};
  for (const char* key : key_names) command_.push_back(keys.prefix + key);
  command_.insert(command_.end(), caller.about_caller_.begin(), caller.about_caller_.end());
  add(command_, {keys.channel, keys.breaker,
                 writes == StateStore::Writes::always ? "reconnect"
                 : known.is_count_due                 ? "poll"
                                                      : "call"});
  add_known(command_, known);
  details_at_ = command_.size();
  add(command_, {"0", std::to_string(events.size())});
  for (const Event& event : events) {
    std::visit([&](const auto& each) { add_event(command_, each); }, event);
  }
}

bool ScriptCall::continues_after(const redis::Reply& reply) {
  if (is_missing(reply) && command_[0] != "EVAL") {  // after a restart or SCRIPT FLUSH; EVAL loads it as well
    command_[0] = "EVAL";
    command_[1] = caller_.script_->source;
    return true;
  }
  if (!asks_for_more(reply) || command_[details_at_] != "0") return false;
  command_[details_at_] = "8";
  add_details(command_, known_);
  return true;
}

StoreResult ScriptCall::result_of(const redis::Reply& reply) const {
  if (!reply.error().empty()) return StoreTrouble{with_refused_command(reply.error(), caller_.script_->source)};
  auto answer = AnswerReader(caller_.policy_).read(*reply);
  if (!answer || answer->replies.size() != events_) return StoreTrouble{"the script's answer is malformed"};
  answer->origin = {reply.origin().node, reply.origin().run};
  answer->verified_at = wall_time(reply.verified_at());
  return *std::move(answer);
}

}  // namespace cb
