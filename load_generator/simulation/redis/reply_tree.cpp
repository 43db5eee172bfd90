#include "load_generator/simulation/redis/reply_tree.hpp"

#include <cstdlib>
#include <cstring>

namespace simulation {
namespace {

void* allocate(size_t count, size_t size) {
  void* const memory = std::calloc(count, size);
  if (memory == nullptr) std::abort();
  return memory;
}

ReplyTree reply_of(int type) {
  ReplyTree reply(static_cast<redisReply*>(allocate(1, sizeof(redisReply))));
  reply->type = type;
  return reply;
}

ReplyTree with_text(int type, std::string_view text) {
  ReplyTree reply = reply_of(type);
  reply->str = static_cast<char*>(allocate(text.size() + 1, 1));
  if (!text.empty()) std::memcpy(reply->str, text.data(), text.size());
  reply->len = static_cast<decltype(reply->len)>(text.size());
  return reply;
}

}  // namespace

ReplyTree nil_reply() { return reply_of(REDIS_REPLY_NIL); }
ReplyTree text_reply(std::string_view text) { return with_text(REDIS_REPLY_STRING, text); }
ReplyTree status_reply(std::string_view status) { return with_text(REDIS_REPLY_STATUS, status); }
ReplyTree error_reply(std::string_view error) { return with_text(REDIS_REPLY_ERROR, error); }

ReplyTree integer_reply(long long number) {
  ReplyTree reply = reply_of(REDIS_REPLY_INTEGER);
  reply->integer = number;
  return reply;
}

ReplyTree list_reply(std::vector<ReplyTree> items) {
  ReplyTree reply = reply_of(REDIS_REPLY_ARRAY);
  if (items.empty()) return reply;
  reply->element = static_cast<redisReply**>(allocate(items.size(), sizeof(void*)));
  reply->elements = items.size();
  for (size_t i = 0; i < items.size(); ++i) reply->element[i] = items[i].release();
  return reply;
}

}  // namespace simulation
