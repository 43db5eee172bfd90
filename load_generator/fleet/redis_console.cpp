#include "load_generator/fleet/redis_console.hpp"

#include <hiredis/hiredis.h>
#include <sys/time.h>

#include <charconv>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace load {
namespace {

struct Free {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Connection = std::unique_ptr<redisContext, Free>;
using Reply = std::unique_ptr<redisReply, Free>;

timeval to_timeval(std::chrono::milliseconds time) {
  return {time.count() / 1000, static_cast<suseconds_t>(time.count() % 1000 * 1000)};
}

Reply send(redisContext* connection, const std::vector<std::string>& command) {
  std::vector<const char*> words;
  std::vector<size_t> lengths;
  for (const std::string& word : command) words.push_back(word.data()), lengths.push_back(word.size());
  void* reply = redisCommandArgv(connection, static_cast<int>(words.size()), words.data(), lengths.data());
  return Reply(static_cast<redisReply*>(reply));
}

std::string to_text(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
  return reply.str == nullptr ? "" : std::string(reply.str, static_cast<size_t>(reply.len));
}

uint64_t calls_in(const std::string& commandstats, const std::string& command) {
  const std::string label = "cmdstat_" + command + ":calls=";
  const auto at = commandstats.find(label);
  uint64_t calls = 0;
  if (at != std::string::npos) {
    std::from_chars(commandstats.data() + at + label.size(), commandstats.data() + commandstats.size(), calls);
  }
  return calls;
}

std::string field(const std::string& line, const std::string& name) {
  const auto at = (" " + line).find(" " + name + "=");
  if (at == std::string::npos) return "";
  const auto start = at + name.size() + 1;
  return line.substr(start, line.find(' ', start) - start);
}

}  // namespace

std::string RedisConsole::ask(const std::vector<std::string>& command) const {
  const auto fail = [&](const std::string& why) {
    return std::runtime_error("redis on port " + std::to_string(port_) + ": " + command.at(0) + ": " + why);
  };
  const Connection connection(redisConnectWithTimeout("127.0.0.1", port_, to_timeval(patience_)));
  if (!connection || connection->err != 0) throw fail(connection ? connection->errstr : "out of memory");
  redisSetTimeout(connection.get(), to_timeval(patience_));
  const Reply reply = send(connection.get(), command);
  if (!reply) throw fail(connection->errstr);
  if (reply->type == REDIS_REPLY_ERROR) throw fail(to_text(*reply));
  return to_text(*reply);
}

size_t cut_pushes(const RedisConsole& console) {
  std::istringstream clients(console.ask({"CLIENT", "LIST"}));
  size_t cut = 0;
  for (std::string line; std::getline(clients, line);) {
    const bool tracks = field(line, "flags").find('t') != std::string::npos;
    if (tracks) cut += console.ask({"CLIENT", "KILL", "ID", field(line, "id")}) == "1" ? 1 : 0;
  }
  return cut;
}

uint64_t scripts_run(const std::string& commandstats) {
  return calls_in(commandstats, "evalsha") + calls_in(commandstats, "eval");
}

}  // namespace load
