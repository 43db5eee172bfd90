// A real Redis and a virtual one that get the same commands. Each command must have the same reply and the same pushes
// on both; an error counts as the same if its first word is.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "load_generator/simulation/redis/virtual_redis.hpp"
#include "redis_breaker/feed/subscription.hpp"
#include "redis_breaker/redis/client_for_test.hpp"

namespace simulation {

// LAB_EVENTS=100000 asks for that many.
inline unsigned events_to_compare(unsigned by_default) {
  const char* const asked_for = std::getenv("LAB_EVENTS");
  return asked_for == nullptr ? by_default : static_cast<unsigned>(std::stoul(asked_for));
}

// The first word. Redis 6 puts others before it where a script has called the command.
inline std::string error_class(const std::string& error) {
  if (error.find("WRONGTYPE") != std::string::npos) return "WRONGTYPE";
  return error.rfind("@user_script", 0) == 0 ? "ERR" : error.substr(0, error.find(' '));
}

inline std::string to_text(const redisReply& reply) {
  const std::string text = reply.str == nullptr ? "" : std::string(reply.str, static_cast<size_t>(reply.len));
  switch (reply.type) {
    case REDIS_REPLY_NIL:
      return "nil";
    case REDIS_REPLY_INTEGER:
      return std::to_string(reply.integer);
    case REDIS_REPLY_STATUS:
      return "+" + text;
    case REDIS_REPLY_ERROR:
      return "-" + error_class(text);
    case REDIS_REPLY_STRING:
      return '"' + text + '"';
    default:
      break;
  }
  std::string all;
  for (size_t i = 0; i < reply.elements; ++i) all += (i == 0 ? "" : " ") + to_text(*reply.element[i]);
  return '[' + all + ']';
}

// How long a key has left, in ms, differs by the time that passes between two servers.
inline bool is_same(const redisReply& one, const redisReply& other, long long tolerance_ms) {
  if (one.type == REDIS_REPLY_INTEGER && other.type == REDIS_REPLY_INTEGER && one.integer > 2 * tolerance_ms) {
    return std::abs(one.integer - other.integer) <= tolerance_ms;
  }
  const bool are_lists = one.type == REDIS_REPLY_ARRAY && other.type == REDIS_REPLY_ARRAY;
  if (!are_lists || one.elements != other.elements) return to_text(one) == to_text(other);
  for (size_t i = 0; i < one.elements; ++i) {
    if (!is_same(*one.element[i], *other.element[i], tolerance_ms)) return false;
  }
  return true;
}

class ComparedServers {
 public:
  using Command = std::vector<std::string>;

  // Announces keys that start with cb: and messages on `channel`.
  explicit ComparedServers(const std::string& channel) : subscription_(real_.client, 0, {{"cb:"}, {channel}}) {
    REQUIRE(subscription_.error().empty());
  }

  VirtualRedis& virtual_redis() { return virtual_; }
  cb::TimePoint now() const { return now_; }
  std::string real_reply(const Command& command) { return real_.cli(command); }

  void check(const Command& command, long long tolerance_ms = 60'000) { execute(command, command, tolerance_ms); }

  // By the real server's clock, so only where expiry needs it. That server may announce an expired key before it is
  // used.
  void pass_milliseconds(int count) {
    const auto real_now = [this] {
      std::istringstream time(real_.cli({"TIME"}));
      long long seconds = 0, microseconds = 0;
      time >> seconds >> microseconds;
      return seconds * 1'000'000 + microseconds;
    };
    const long long end = real_now() + (count + 1) * 1000;
    program::wait_until("the clock moves on", [&] { return real_now() > end; });
    now_ += std::chrono::milliseconds(count + 1);
  }

  // For a command that must differ, such as one with another script. Returns both replies: of the virtual server first.
  std::pair<cb::redis::Reply, cb::redis::Reply> execute(const Command& on_virtual, const Command& on_real,
                                                        long long tolerance_ms) {
    std::pair replies{virtual_.execute(on_virtual, now_), real_.client.command(on_real)};
    REQUIRE_MESSAGE(is_same(*replies.first, *replies.second, tolerance_ms),
                    in_words(on_real) << "\n  virtual: " << to_text(*replies.first)
                                      << "\n  real:    " << to_text(*replies.second) << " " << replies.second.error());
    check_pushes(in_words(on_real));
    return replies;
  }

  // For what the two do in different ways.
  void check_pushes(const std::string& what) { REQUIRE_MESSAGE(virtual_pushes() == real_pushes(), what); }

 private:
  struct Pushes {
    std::vector<std::string> keys{}, messages{};
    bool all_keys = false;
    bool operator==(const Pushes&) const = default;
  };

  Pushes virtual_pushes() {
    Pushes pushes;
    for (const Push& push : virtual_.take_pushes()) {
      if (push.kind == Push::Kind::all_keys) pushes.all_keys = true;
      if (push.kind == Push::Kind::message) pushes.messages.push_back(push.text);
      if (push.kind == Push::Kind::key_written && push.key_or_channel.rfind("cb:", 0) == 0)
        pushes.keys.push_back(push.key_or_channel);
    }
    return pushes;
  }

  // What the real server had pushed before it answered to a ping.
  Pushes real_pushes() {
    const cb::redis::Deadline deadline(std::chrono::seconds(5));
    subscription_.ping(deadline);
    Pushes pushes;
    for (bool is_complete = false; !is_complete;) {
      REQUIRE(deadline.wait_until_ready(subscription_.fd(), POLLIN));
      const cb::Announcements more = subscription_.receive();
      REQUIRE(subscription_.error().empty());
      pushes.keys.insert(pushes.keys.end(), more.keys.begin(), more.keys.end());
      pushes.messages.insert(pushes.messages.end(), more.news.begin(), more.news.end());
      pushes.all_keys = pushes.all_keys || more.all_keys;
      is_complete = more.pong;
    }
    std::sort(pushes.keys.begin(), pushes.keys.end());
    return pushes;
  }

  static std::string in_words(const Command& command) {
    std::string all;
    for (const std::string& word : command) all += word.substr(0, 64) + ' ';
    return all;
  }

  cb::TestRedis real_;
  cb::TimePoint now_{std::chrono::seconds(1'000'000)};
  VirtualRedis virtual_{real_.client.command({"PING"}).origin().run};
  cb::Subscription subscription_;
};

// Choices that are the same on every machine: std's distributions are not.
class Choices {
 public:
  explicit Choices(unsigned seed) : dice_(seed) {}

  bool one_in(unsigned count) { return dice_() % count == 0; }
  int number(int least, int most) {
    return least + static_cast<int>(dice_() % static_cast<unsigned>(most - least + 1));
  }
  template <class List>
  const auto& of(const List& list) {
    return list[dice_() % std::size(list)];
  }

 private:
  std::mt19937 dice_;
};

}  // namespace simulation
