// A ReplyTree is a reply under construction: hiredis's own tree, so that a simulated server's reply needs no
// conversion. Made by malloc, as freeReplyObject() expects; running out of memory ends the process.
#pragma once

#include <hiredis/hiredis.h>

#include <memory>
#include <string_view>
#include <vector>

namespace simulation {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using ReplyTree = std::unique_ptr<redisReply, FreeReply>;

ReplyTree nil_reply();
ReplyTree integer_reply(long long number);
ReplyTree text_reply(std::string_view text);
ReplyTree status_reply(std::string_view status);
ReplyTree error_reply(std::string_view error);
ReplyTree list_reply(std::vector<ReplyTree> items);

}  // namespace simulation
