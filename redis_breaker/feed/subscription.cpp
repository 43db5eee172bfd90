#include "redis_breaker/feed/subscription.hpp"

#include <string_view>
#include <utility>

namespace cb {
namespace {

// ["message", "__redis__:invalidate", [key, ...] or nil], ["message", channel, news] or ["pong", ""]
void record(const redisReply& message, Announcements& announcements) {
  if (message.type != REDIS_REPLY_ARRAY || message.elements == 0) return;
  const std::string_view kind = redis::text_of(*message.element[0]);
  if (kind == "pong") announcements.pong = true;
  if (kind != "message" || message.elements != 3) return;
  const redisReply& keys = *message.element[2];
  if (keys.type == REDIS_REPLY_STRING) announcements.news.emplace_back(redis::text_of(keys));
  if (keys.type == REDIS_REPLY_NIL) announcements.all_keys = true;
  if (keys.type != REDIS_REPLY_ARRAY) return;
  for (size_t i = 0; i < keys.elements; ++i) announcements.keys.emplace_back(redis::text_of(*keys.element[i]));
}

}  // namespace

Subscription::Subscription(redis::Client& client, size_t node, const Topics& topics)
    : connection_(client.connect(node)) {
  if (connection_->error().empty()) subscribe(topics, redis::Deadline(client.timeout()));
}

void Subscription::subscribe(const Topics& topics, const redis::Deadline& deadline) {
  const redis::Reply id = connection_->command({"CLIENT", "ID"}, deadline);
  if (!id.error().empty()) {
    if (connection_->error().empty()) error_ = id.error();
    return;
  }
  std::vector<std::string> track{"CLIENT", "TRACKING", "ON", "REDIRECT", std::to_string(id->integer), "BCAST"};
  for (const std::string& prefix : topics.prefixes) track.insert(track.end(), {"PREFIX", prefix});
  if (!execute(track, deadline) || !execute({"SUBSCRIBE", "__redis__:invalidate"}, deadline)) return;
  std::vector<std::string> listen{"SUBSCRIBE"};
  listen.insert(listen.end(), topics.channels.begin(), topics.channels.end());
  if (!execute(listen, deadline)) refused_news_ = std::exchange(error_, "");
}

bool Subscription::execute(const std::vector<std::string>& command, const redis::Deadline& deadline) {
  const redis::Reply reply = connection_->command(command, deadline);
  const bool is_refused = connection_->error().empty() && !reply.error().empty();
  error_ = is_refused ? reply.error() + " (" + command[0] + " " + command[1] + ")" : "";
  return reply.error().empty();
}

void Subscription::ping(const redis::Deadline& deadline) { connection_->send({"PING"}, deadline); }

Announcements Subscription::receive() {
  Announcements announcements;
  for (const redis::Reply& message : connection_->receive_all()) {
    if (message.error().empty()) record(*message, announcements);
  }
  return announcements;
}

}  // namespace cb
