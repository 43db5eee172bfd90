// Runs `load_generator reset` against a private Redis.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "program/processes/child_process.hpp"
#include "program/processes/redis_server.hpp"
#include "program/processes/temporary_folder.hpp"
#include "program/wait_until.hpp"

using namespace std::chrono_literals;

namespace {

struct Ended {
  int exit_code = -1;
  std::string output;
};

Ended run_reset(const std::string& redis_url, const std::vector<std::string>& arguments = {}) {
  std::vector<std::string> command{"env", "REDIS_URL=" + redis_url, LAB_BIN_DIR "/load_generator", "reset"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  program::ChildProcess child(command);
  const auto exit_code = child.wait(20s);
  REQUIRE(exit_code);
  return {*exit_code, child.output()};
}

bool is_one_line(const std::string& text) { return !text.empty() && text.find('\n') == text.size() - 1; }

}  // namespace

TEST_CASE("reset deletes all keys of its breaker, and no others") {
  program::PrivateRedis redis;
  const auto ask = [&](const std::vector<std::string>& command) { return program::redis_cli(redis.port(), command); };
  for (const std::string part : {"state", "failures", "last_failure", "breaker", "probes", "window", "reporters"}) {
    ask({"SET", "cb:pay@acme:" + part, "x"});
  }
  ask({"SET", "cb:pay:state", "open"});
  const Ended ended = run_reset(redis.url(), {"pay@acme"});
  CHECK(ended.exit_code == 0);
  CHECK(ended.output == "cb:pay@acme: is reset (7 of its 7 keys were there)\n");
  CHECK(ask({"KEYS", "*"}) == "cb:pay:state\n");
  CHECK(run_reset(redis.url(), {"pay@acme"}).output == "cb:pay@acme: is reset (0 of its 7 keys were there)\n");
}

TEST_CASE("reset uses the database and the login of REDIS_URL, and never prints the password") {
  program::PrivateRedis redis;
  const std::string port = std::to_string(redis.port());
  program::redis_cli(redis.port(), {"-n", "3", "SET", "cb:unreliable_service:state", "open"});
  program::redis_cli(redis.port(), {"ACL", "SETUSER", "ann", "on", ">open:sesame", "~cb:*", "+@all"});
  const Ended ended = run_reset("redis://ann:open%3Asesame@127.0.0.1:" + port + "/3");
  CHECK(ended.exit_code == 0);
  CHECK(ended.output == "cb:unreliable_service: is reset (1 of its 7 keys were there)\n");
  program::redis_cli(redis.port(), {"CONFIG", "SET", "requirepass", "sesame"});
  CHECK(run_reset("redis://:sesame@127.0.0.1:" + port).exit_code == 0);
  const Ended refused = run_reset("redis://:not-sesame@127.0.0.1:" + port);
  CHECK(refused.exit_code == 1);
  CHECK(is_one_line(refused.output));
  CHECK(refused.output.find("WRONGPASS") != std::string::npos);
  CHECK(refused.output.find("sesame") == std::string::npos);
}

TEST_CASE("reset reaches Redis by its socket") {
  const program::TemporaryFolder folder;
  const std::string socket = folder.path() / "redis.sock";
  program::ChildProcess server({"redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir", "/"});
  // What Redis prints when it is ready depends on its version.
  CHECK(program::wait_until([&] { return run_reset("unix://" + socket).exit_code == 0; }, std::chrono::seconds(10)));
}

TEST_CASE("a Redis that does not answer is one line and exit code 1") {
  const Ended ended = run_reset("redis://:sesame@127.0.0.1:1/0");
  CHECK(ended.exit_code == 1);
  CHECK(ended.output == "error: redis://127.0.0.1:1: Connection refused\n");
}

TEST_CASE("a name or a URL that reset does not know is one line and exit code 2") {
  const std::vector<std::pair<std::string, std::string>> wrong{{"redis://127.0.0.1:1", "a*"},
                                                               {"redis://127.0.0.1:1", "a b"},
                                                               {"redis://127.0.0.1:1", ""},
                                                               {"rediss+sentinel://:sesame@h/m", "pay"},
                                                               {"redis+cluster://:sesame@h", "pay"},
                                                               {"redis://h:1/zero", "pay"},
                                                               {"http://h", "pay"}};
  for (const auto& entry : wrong) {
    CAPTURE(entry.first);
    CAPTURE(entry.second);
    const Ended ended = run_reset(entry.first, {entry.second});
    CHECK(ended.exit_code == 2);
    CHECK(is_one_line(ended.output));
    CHECK(ended.output.find("sesame") == std::string::npos);
  }
}
