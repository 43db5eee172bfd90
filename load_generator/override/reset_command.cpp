#include "load_generator/override/reset_command.hpp"

#include <hiredis/hiredis.h>
#include <sys/time.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <regex>
#include <stdexcept>
#include <vector>

#include "program/address.hpp"
#include "program/text.hpp"

namespace load {
namespace {

constexpr timeval redis_deadline{5, 0};  // for each operation

struct RedisLocation {
  std::string socket;  // a path; where it is set, the server is not used
  cb::net::Endpoint server{"127.0.0.1", 6379};
  std::string user, password;  // an empty password: no login
  int database = 0;
  std::string text() const { return socket.empty() ? "redis://" + server.to_text() : "unix://" + socket; }
};

RedisLocation parse_location(const std::string& text) try {
  const cb::net::Url url = cb::net::parse_url(text);
  RedisLocation location;
  location.socket = url.scheme == "unix" ? url.path : "";
  if (url.scheme == "unix") return location;
  if (url.scheme != "redis" || url.hosts.size() > 1) {
    throw std::invalid_argument(
        "it is not redis://[[user]:password@]host:port/db or unix:///path; for Sentinels, a cluster or TLS use "
        "scripts/breaker.sh reset, which lets an instance do it");
  }
  location.server = {url.hosts[0].host, url.hosts[0].port == 0 ? 6379 : url.hosts[0].port};
  location.user = url.user;
  location.password = url.password;
  if (url.path.size() > 1) location.database = cb::net::parse_number(url.path.substr(1), "database", 0, 1'000'000);
  return location;
} catch (const std::invalid_argument& error) {
  throw std::invalid_argument(std::string("REDIS_URL: ") + error.what());
}

class RedisSession {
 public:
  explicit RedisSession(const RedisLocation& location)
      : where_(location.text()),
        context_(location.socket.empty()
                     ? redisConnectWithTimeout(location.server.host.c_str(), location.server.port, redis_deadline)
                     : redisConnectUnixWithTimeout(location.socket.c_str(), redis_deadline)) {
    if (!context_ || context_->err != 0) fail(context_ ? context_->errstr : "out of memory");
    redisSetTimeout(context_.get(), redis_deadline);
    if (!location.password.empty()) {
      ask(location.user.empty() ? std::vector<std::string>{"AUTH", location.password}
                                : std::vector<std::string>{"AUTH", location.user, location.password});
    }
    if (location.database != 0) ask({"SELECT", std::to_string(location.database)});
  }

  // The answer as a number: 0 for any other kind.
  long long ask(const std::vector<std::string>& command) {
    std::vector<const char*> words;
    std::vector<size_t> lengths;
    for (const std::string& word : command) words.push_back(word.data()), lengths.push_back(word.size());
    const std::unique_ptr<redisReply, Free> reply(static_cast<redisReply*>(
        redisCommandArgv(context_.get(), static_cast<int>(words.size()), words.data(), lengths.data())));
    if (!reply) fail(context_->errstr);
    if (reply->type == REDIS_REPLY_ERROR) fail(std::string(reply->str, static_cast<size_t>(reply->len)));
    return reply->integer;
  }

 private:
  struct Free {
    void operator()(redisContext* context) const { redisFree(context); }
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };

  [[noreturn]] void fail(const std::string& why) const { throw std::runtime_error(where_ + ": " + why); }

  const std::string where_;
  const std::unique_ptr<redisContext, Free> context_;
};

std::vector<std::string> keys_of(const std::string& name) {
  static const std::regex allowed(R"([A-Za-z0-9_./\-]{1,256}(@[A-Za-z0-9_./:\[\]\-]{1,128})?)");
  if (!std::regex_match(name, allowed)) {
    throw std::invalid_argument("the breaker's name is '" + program::shortened(name, 256) +
                                "'; use 1 to 256 of A-Z a-z 0-9 _ - . /, and for a tenant's @TENANT");
  }
  std::vector<std::string> keys;
  for (const char* part : {"state", "failures", "last_failure", "breaker", "probes", "window", "reporters"}) {
    keys.push_back("cb:" + name + ":" + part);
  }
  return keys;
}

}  // namespace

int reset_command(const ResetOptions& options) {
  std::vector<std::string> command = keys_of(options.name);
  const size_t keys = command.size();
  command.insert(command.begin(), "DEL");
  const char* url = std::getenv("REDIS_URL");
  RedisSession session(parse_location(url != nullptr && *url != '\0' ? url : "redis://127.0.0.1:6379/0"));
  const long long deleted = session.ask(command);
  std::cout << "cb:" << options.name << ": is reset (" << deleted << " of its " << keys << " keys were there)\n";
  return 0;
}

}  // namespace load
