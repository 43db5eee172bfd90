#include "redis_breaker/sync/subscription.hpp"

#include <string_view>

namespace cb {
namespace {

// ["message", "__redis__:invalidate", [key, ...] or nil], or ["pong", ""]
void take_in(const redisReply& said, Heard& heard) {
  if (said.type != REDIS_REPLY_ARRAY || said.elements == 0) return;
  const std::string_view kind = redis::text_of(*said.element[0]);
  if (kind == "pong") heard.pong = true;
  if (kind != "message" || said.elements != 3) return;
  const redisReply& keys = *said.element[2];
  if (keys.type == REDIS_REPLY_NIL) heard.everything = true;
  if (keys.type != REDIS_REPLY_ARRAY) return;
  for (size_t i = 0; i < keys.elements; ++i) heard.keys.emplace_back(redis::text_of(*keys.element[i]));
}

}  // namespace

Subscription::Subscription(redis::Client& client, size_t node, const std::vector<std::string>& prefixes)
    : connection_(client.connect(node)) {
  if (connection_->error().empty()) listen(prefixes, redis::Deadline(client.timeout()));
}

void Subscription::listen(const std::vector<std::string>& prefixes, const redis::Deadline& deadline) {
  const redis::Reply id = connection_->command({"CLIENT", "ID"}, deadline);
  if (!id.error().empty()) {
    if (connection_->error().empty()) error_ = id.error();
    return;
  }
  std::vector<std::string> track{"CLIENT", "TRACKING", "ON", "REDIRECT", std::to_string(id->integer), "BCAST"};
  for (const std::string& prefix : prefixes) track.insert(track.end(), {"PREFIX", prefix});
  if (ask(track, deadline)) ask({"SUBSCRIBE", "__redis__:invalidate"}, deadline);
}

bool Subscription::ask(const std::vector<std::string>& command, const redis::Deadline& deadline) {
  const redis::Reply reply = connection_->command(command, deadline);
  error_ = connection_->error().empty() ? reply.error() : "";
  return reply.error().empty();
}

void Subscription::ping(const redis::Deadline& deadline) { connection_->send({"PING"}, deadline); }

Heard Subscription::report_health(const redis::Deadline& deadline) {
  Heard heard;
  for (const redis::Reply& said : connection_->receive_all(deadline)) {
    if (said.error().empty()) take_in(*said, heard);
  }
  return heard;
}

}  // namespace cb
