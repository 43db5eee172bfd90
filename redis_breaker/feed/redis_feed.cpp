#include "redis_breaker/feed/redis_feed.hpp"

#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>

#include "redis_breaker/feed/announced_text.hpp"
#include "simple_breaker/clock.hpp"
#include "simple_breaker/policies/identity.hpp"

namespace cb {
namespace {

// Above this, subscribe to all breakers' keys: Redis compares each prefix with every other one.
constexpr size_t most_services = 16;

Subscription::Topics topics_of(const redis::Client& client, const std::vector<std::string>& services) {
  Subscription::Topics topics;
  for (const std::string& name : services) topics.channels.push_back(client.channel(name));
  if (services.size() > most_services) {
    topics.prefixes = {client.common_prefix()};
    return topics;
  }
  for (const std::string& name : services) {
    for (const char* key : watched_keys) topics.prefixes.push_back(client.prefix(name) + key);
    const std::string contexts = client.prefix(name + Identity::separator);
    topics.prefixes.push_back(contexts.substr(0, contexts.rfind(Identity::separator) + 1));
  }
  return topics;
}

// Of the hash of a snapshot; 0: there is none.
uint64_t generation_in(const redis::Reply& hash) {
  uint64_t generation = 0;
  if (hash->type != REDIS_REPLY_ARRAY) return generation;
  for (size_t i = 0; i + 1 < hash->elements; i += 2) {
    const std::string_view value = redis::text_of(*hash->element[i + 1]);
    if (redis::text_of(*hash->element[i]) == "generation") {
      std::from_chars(value.data(), value.data() + value.size(), generation);
    }
  }
  return generation;
}

// "volatile-lru"; empty if INFO's reply does not say. Not by CONFIG GET, which fewer users are allowed than INFO.
std::string eviction_policy(redis::Client& client, const std::string& breaker) {
  constexpr std::string_view field = "\nmaxmemory_policy:";
  const redis::Reply info = client.command({"INFO", "memory"}, breaker);
  const std::string_view text = info.error().empty() ? redis::text_of(*info) : "";
  const auto at = text.find(field);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = text.substr(at + field.size());
  return std::string(rest.substr(0, rest.find('\r')));
}

}  // namespace

RedisFeed::RedisFeed(redis::Client& client, size_t node, const std::vector<std::string>& services,
                     std::once_flag& eviction_checked)
    : client_(client),
      node_(node),
      service_(services.front()),
      eviction_checked_(eviction_checked),
      subscription_(client, node, topics_of(client, services)) {}

std::vector<std::string> RedisFeed::warnings() {
  std::vector<std::string> lines;
  std::string policy;
  std::call_once(eviction_checked_, [&] { policy = eviction_policy(client_, service_); });
  if (!policy.empty() && policy != "noeviction")
    lines.push_back("maxmemory-policy is " + policy +
                    ": a full Redis may evict breakers, and instances restore them; better is noeviction");
  if (const std::string& refused = subscription_.refused_news(); !refused.empty())
    lines.push_back("no news of transitions: " + refused + "; asking Redis after each of them instead");
  return lines;
}

Changes RedisFeed::take() {
  // Before reading: a pong that arrives in time may be read later, if this thread is late.
  const bool is_pong_due = pong_due_ && std::chrono::steady_clock::now() >= *pong_due_;
  const Announcements announcements = subscription_.receive();
  Changes changes;
  for (const std::string& text : announcements.news) changes.news.push_back(parse_news(text));
  for (const std::string& text : announcements.keys) {
    WrittenKey written = parse_key(text, client_.common_prefix());
    if (is_watched(written)) changes.written.push_back(std::move(written));
  }
  changes.anything = announcements.all_keys;
  if (!error().empty()) return changes;
  if (announcements.pong) {
    confirm(changes);
  } else if (is_pong_due) {
    client_.drop_idle(node_);
    error_ = "no answer in time";
  }
  return changes;
}

void RedisFeed::confirm(Changes& changes) {
  client_.record_round_trip(
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - pinged_at_));
  changes.confirmed_at = checked_at_;
  pong_due_.reset();
}

ChangeFeed::Check RedisFeed::check(const std::string& breaker) {
  checked_at_ = coarse_steady_time();
  const auto fresh = client_.connect(node_);
  if (!fresh->error().empty()) return {.is_reachable = false};
  if (fresh->server() != subscription_.server()) {
    error_ = "another server is in use";
    return {};
  }
  Check check;
  if (!client_.is_cluster() && !breaker.empty()) {
    const redis::Reply hash =
        fresh->command({"HGETALL", client_.prefix(breaker) + "breaker"}, redis::Deadline(client_.timeout()));
    if (hash.error().empty()) check.generation = generation_in(hash);
  }
  ping();
  return check;
}

void RedisFeed::ping() {
  pinged_at_ = std::chrono::steady_clock::now();
  pong_due_ = pinged_at_ + client_.timeout();
  subscription_.ping(redis::Deadline(client_.timeout()));
}

}  // namespace cb
