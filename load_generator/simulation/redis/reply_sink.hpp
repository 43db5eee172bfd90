// A ReplySink gets a command's reply, part by part: a list first with its length, then its items.
// A ReplyTree is one that builds hiredis's own tree, so that a simulated server's reply needs no conversion. It is made
// by malloc, as freeReplyObject() expects; running out of memory ends the process.
#pragma once

#include <hiredis/hiredis.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace simulation {

class ReplySink {
 public:
  virtual ~ReplySink() = default;
  virtual void nil() = 0;
  virtual void integer(long long number) = 0;
  virtual void text(std::string_view text) = 0;
  virtual void status(std::string_view status) = 0;
  virtual void error(std::string_view error) = 0;
  virtual void list(size_t items) = 0;  // only a script's items may be lists

  void count(uint64_t number) { integer(static_cast<long long>(number)); }
};

class ReplyTree final : public ReplySink {
 public:
  ReplyTree() = default;
  ~ReplyTree() override { freeReplyObject(root_); }
  ReplyTree(const ReplyTree&) = delete;
  ReplyTree& operator=(const ReplyTree&) = delete;
  redisReply* release() { return std::exchange(root_, nullptr); }

  void nil() override { add(REDIS_REPLY_NIL); }
  void integer(long long number) override { add(REDIS_REPLY_INTEGER).integer = number; }
  void text(std::string_view text) override { add(REDIS_REPLY_STRING, text); }
  void status(std::string_view status) override { add(REDIS_REPLY_STATUS, status); }
  void error(std::string_view error) override { add(REDIS_REPLY_ERROR, error); }
  void list(size_t items) override;

 private:
  redisReply& add(int type);
  void add(int type, std::string_view text);

  redisReply* root_ = nullptr;
  std::vector<std::pair<redisReply**, size_t>> open_;  // where the next items of unfinished lists go, and how many
};

}  // namespace simulation
