#include "load_generator/simulation/redis/reply_sink.hpp"

#include <cstdlib>
#include <cstring>

namespace simulation {
namespace {

void* allocate(size_t count, size_t size) {
  void* const memory = std::calloc(count, size);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

redisReply& ReplyTree::add(int type) {
  auto* const reply = static_cast<redisReply*>(allocate(1, sizeof(redisReply)));
  reply->type = type;
  if (open_.empty()) return *(root_ = reply);
  auto& [at, left] = open_.back();
  *at++ = reply;
  if (--left == 0) open_.pop_back();
  return *reply;
}

void ReplyTree::add(int type, std::string_view text) {
  redisReply& reply = add(type);
  reply.str = static_cast<char*>(allocate(text.size() + 1, 1));
  if (!text.empty()) std::memcpy(reply.str, text.data(), text.size());
  reply.len = static_cast<decltype(reply.len)>(text.size());
}

void ReplyTree::list(size_t items) {
  redisReply& reply = add(REDIS_REPLY_ARRAY);
  if (items == 0) return;
  reply.element = static_cast<redisReply**>(allocate(items, sizeof(void*)));
  reply.elements = items;
  open_.emplace_back(reply.element, items);
}

}  // namespace simulation
