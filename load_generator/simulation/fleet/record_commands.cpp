#include "load_generator/simulation/fleet/record_commands.hpp"

#include <spdlog/fmt/fmt.h>

#include <utility>

#include "store_breaker/cas_exchange.hpp"

namespace simulation {
namespace {

const std::string read_script = R"(
local time = redis.call('TIME')
return {redis.call('GET', KEYS[1]) or '', time[1], time[2]}
)";

const std::string write_script = R"(
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('SET', KEYS[1], ARGV[3])
redis.call('HSET', KEYS[3], 'generation', ARGV[4], 'mode', ARGV[5])
for place = 6, 7 do
  if redis.call('GET', KEYS[place - 2]) ~= ARGV[place] then redis.call('SET', KEYS[place - 2], ARGV[place]) end
end
if ARGV[8] ~= '' then redis.call('PUBLISH', KEYS[6], ARGV[8]) end
return 1
)";

constexpr size_t before_keys = 3;
constexpr size_t version_at = before_keys + 6 + 1;  // in a write

std::vector<std::string> keys_of(const std::string& breaker) {
  std::vector<std::string> keys;
  for (const char* name : {"record", "version", "breaker", "state", "failures", "news"})
    keys.push_back("cb:" + breaker + ":" + name);
  return keys;
}

int64_t number_in(const redisReply& reply) { return std::stoll(std::string(cb::redis::text_of(reply))); }

// Of all but a failure more or less in a closed circuit.
std::string news_text(const std::string& breaker, const cb::Found& found, const cb::Record& record,
                      const cb::Policy& policy) {
  const cb::News news = cb::news_of(record, policy, record.written_at);
  if (news.state == cb::State::closed && news.generation == found.record.snapshot.generation) return "";
  return fmt::format("{} {} {} {} {} {} {} {}", cb::to_text(news.state), news.generation, news.wait.count(), news.epoch,
                     news.failures, news.is_overridden ? cb::to_text(record.snapshot.mode) : "auto",
                     news.now.time_since_epoch().count(), breaker);
}

}  // namespace

RedisService::Command read_command(const std::string& breaker) {
  return std::make_shared<const std::vector<std::string>>(
      std::vector<std::string>{"EVAL", read_script, "1", keys_of(breaker).front()});
}

std::optional<cb::Found> found_in(const RedisService::Reply& reply) {
  if (!reply || !reply->error().empty() || (*reply)->elements != 3) return std::nullopt;
  const redisReply& parts = **reply;
  cb::Found found{.run = reply->origin().run};
  found.now =
      TimePoint(std::chrono::seconds(number_in(*parts.element[1])) + microseconds(number_in(*parts.element[2])));
  const std::string_view text = cb::redis::text_of(*parts.element[0]);
  if (text.empty()) return found;
  auto record = cb::record_from(text);
  if (const auto* fault = std::get_if<std::string>(&record)) found.fault = *fault;
  if (auto* valid = std::get_if<cb::Record>(&record)) found.record = std::move(*valid);
  found.version = found.record.version;
  return found;
}

RedisService::Command write_command(const std::string& breaker, const cb::Found& found, const cb::Record& record,
                                    const cb::Policy& policy) {
  const cb::Snapshot& snapshot = record.snapshot;
  std::vector<std::string> words{"EVAL", write_script, "6"};
  for (std::string& key : keys_of(breaker)) words.push_back(std::move(key));
  words.insert(words.end(), {std::to_string(found.version), std::to_string(record.version), cb::to_text(record),
                             std::to_string(snapshot.generation), std::string(cb::to_text(snapshot.mode)),
                             std::string(cb::to_text(snapshot.state)), std::to_string(snapshot.counts.failures),
                             news_text(breaker, found, record, policy)});
  return std::make_shared<const std::vector<std::string>>(std::move(words));
}

std::optional<uint64_t> version_written(const std::vector<std::string>& command, const cb::redis::Reply& reply) {
  if (command.size() <= version_at || command[1] != write_script || !reply.error().empty() || reply->integer != 1)
    return std::nullopt;
  return std::stoull(command[version_at]);
}

std::vector<std::string> delete_command(const std::string& breaker) {
  std::vector<std::string> words = keys_of(breaker);
  words.back() = "DEL";
  std::swap(words.front(), words.back());
  return words;
}

}  // namespace simulation
