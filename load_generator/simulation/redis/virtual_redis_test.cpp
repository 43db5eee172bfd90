#include "load_generator/simulation/redis/virtual_redis.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>
#include <set>
#include <sstream>

#include "load_generator/simulation/redis/compared_servers_for_test.hpp"
#include "redis_breaker/script/script_call.hpp"

using namespace simulation;
using namespace std::chrono_literals;

namespace {

using Names = std::set<std::string>;

constexpr cb::TimePoint start{1'000'000s};
const cb::BreakerKeys keys{"sim", "cb:sim:", "cb:sim:news"};

std::string reply_to(VirtualRedis& redis, const std::vector<std::string>& command, cb::TimePoint now = start) {
  return to_text(*redis.execute(command, now));
}

// The commands that the breaker's script calls.
Names called_commands() {
  static const std::regex call(R"(redis\.p?call\('([A-Z]+)')");
  Names names;
  for (const auto& file : std::filesystem::directory_iterator(LAB_SOURCE_DIR "/redis_breaker/script")) {
    if (file.path().extension() != ".lua") continue;
    std::ostringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const std::string source = text.str();
    for (std::sregex_iterator at(source.begin(), source.end(), call), end; at != end; ++at) names.insert((*at)[1]);
  }
  return names;
}

cb::Answer apply(VirtualRedis& redis, const cb::ScriptCaller& caller, const cb::Event& event) {
  cb::ScriptCall call = caller.call(keys, {}, {event}, cb::StateStore::Writes::if_changed);
  cb::redis::Reply reply = redis.execute(call.command(), start);
  while (call.continues_after(reply)) reply = redis.execute(call.command(), start);
  cb::StoreResult result = call.result_of(reply);
  REQUIRE(std::holds_alternative<cb::Answer>(result));
  return std::get<cb::Answer>(result);
}

}  // namespace

TEST_CASE(
    "there are the commands that the breaker's script calls, those that a test or a person sends, and no others") {
  Names expected = called_commands();
  CHECK(expected.size() >= 19);
  expected.merge(Names{"EVAL", "EVALSHA", "SCRIPT", "FLUSHALL", "FLUSHDB", "PING", "CONFIG", "INCR"});
  const auto names = VirtualRedis::command_names();
  CHECK(Names(names.begin(), names.end()) == expected);
}

TEST_CASE("the breaker's script opens the circuit, and pushes that to all instances") {
  VirtualRedis redis(0x2a);
  const cb::ScriptCaller caller({}, "tester", std::make_shared<const cb::Script>(cb::breaker_script_source()));
  const cb::Answer first = apply(redis, caller, cb::Acquire{});
  CHECK(first.origin.run == 0x2a);
  const cb::PermitId permit = first.replies.front().permit;
  for (int i = 0; i < 2; ++i) apply(redis, caller, cb::Settle{permit, {cb::Outcome::failure}});
  redis.take_pushes();
  const cb::Answer last = apply(redis, caller, cb::Settle{permit, {cb::Outcome::failure}});
  CHECK(last.state == cb::State::open);
  CHECK(std::get<std::string>(redis.data().at("cb:sim:state").value) == "open");
  std::vector<std::string> pushed;
  for (const Push& push : redis.take_pushes()) pushed.push_back(push.key_or_channel);
  CHECK(pushed == std::vector<std::string>{"cb:sim:news", "cb:sim:breaker", "cb:sim:failures", "cb:sim:last_failure",
                                           "cb:sim:state"});
  CHECK(redis.scripts_run() == 4);
}

TEST_CASE("of several impossible values, the breaker's script reports the one that was written first") {
  const cb::ScriptCaller caller({}, "tester", std::make_shared<const cb::Script>(cb::breaker_script_source()));
  std::vector<std::string> fields{"generation", "epoch", "lost", "open_until", "successes", "held", "counted"};
  for (size_t i = 0; i < fields.size(); ++i) {
    VirtualRedis redis(1);
    for (const std::string& field : fields) reply_to(redis, {"HSET", keys.prefix + "breaker", field, "bad " + field});
    const cb::Answer answer = apply(redis, caller, cb::Acquire{});
    REQUIRE_FALSE(answer.replies.front().transitions.empty());
    CHECK(answer.replies.front().transitions.front().cause ==
          "repaired: cb:sim:breaker held \"bad " + fields.front() + "\"");
    std::rotate(fields.begin(), fields.begin() + 1, fields.end());
  }
}

TEST_CASE("a script's values become the replies of a real server") {
  ComparedServers servers("cb:news");
  const std::array scripts{"return",
                           "return nil",
                           "return true",
                           "return false",
                           "return 3.99",
                           "return -3.99",
                           "return 2^53",
                           "return 'text'",
                           "return 'a\\0b'",
                           "return {1, 2, nil, 4}",
                           "return {1, {2, 'x', {}}, a = 5}",
                           "return {ok = 'fine'}",
                           "return {err = 'MINE it is'}",
                           "return {{err = 'MINE'}, {ok = 'yes'}, false, true}",
                           "return {err = 5}",

                           "return redis.call('GET', 'nothing')",
                           "return tostring(redis.call('GET', 'nothing'))",
                           "return redis.call('PING')",
                           "return redis.call('PING').ok",
                           "return redis.call('SET', KEYS[1], 1 / 4)",
                           "return redis.call('GET', KEYS[1])",
                           "return redis.call('SET', KEYS[1], 9007199254740993)",
                           "return redis.call('GET', KEYS[1])",
                           "return #ARGV + #KEYS",
                           "return ARGV[2]",
                           "return redis.call()",
                           "return redis.pcall()",
                           "return redis.call({})",
                           "return redis.call('GET', nil)",
                           "return redis.pcall('GET', {}).err ~= nil",
                           "return redis.call('NO-SUCH')",
                           "return redis.call('GET')",
                           "return redis.pcall('HGETALL', KEYS[1])",
                           "return redis.pcall('HGETALL', KEYS[1]).err",
                           "redis.call('HGETALL', KEYS[1])",
                           "return redis.call('EVAL', 'return 1', 0)",
                           "return redis.pcall('SCRIPT', 'FLUSH')",
                           "error('broken')",
                           "return no_such_global",
                           "no_such_global = 1",
                           "return nil + 1",
                           "return (",
                           "return struct.unpack('<dd', ARGV[3])",
                           "return {struct.unpack('<dd', ARGV[3])}",
                           "return {struct.unpack('<ddd', ARGV[3])}",
                           "return string.format('%.0f', 2^53)",
                           "return redis.call('TIME')[1] == redis.call('TIME')[1]",
                           "return pcall(redis.call, 'GET')",
                           "local function f() return f() + 1 end return f()",
                           "return type(redis.pcall('INFO', 'server'))",
                           "return #string.match(redis.call('INFO', 'server'), '\\nrun_id:(%x+)')",
                           "return string.match(redis.call('INFO', 'stats'), '\\nevicted_keys:(%d+)')",
                           "return string.match(redis.call('INFO', 'commandstats'), 'cmdstat_flushall:calls=(%d+)')",
                           "return string.match(redis.call('INFO', 'memory'), '\\nmaxmemory_policy:(%a+)')"};
  const std::string doubles("\0\0\0\0\0\0\x08\x40\0\0\0\0\0\0\x04\xc0", 16);  // 3 and -2.5
  servers.check({"FLUSHALL"});
  servers.check({"FLUSHALL"});
  for (const char* script : scripts) servers.check({"EVAL", script, "1", "cb:key", "one", "two", doubles}, 0);
  for (const char* count : {"2", "-1", "x", "01"}) servers.check({"EVAL", "return #KEYS", count, "cb:key"}, 0);
}

TEST_CASE("a script is known by its hash until it is flushed") {
  ComparedServers servers("cb:news");
  const std::string sha1 = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";  // of "return 1"
  servers.check({"EVALSHA", sha1, "0"});
  servers.check({"EVAL", "return 1", "0"});
  servers.check({"EVALSHA", sha1, "0"});
  servers.check({"EVALSHA", "E0E1F9FABFC9D4800C877A703B823AC0578FF8DB", "0"});
  servers.check({"SCRIPT", "FLUSH"});
  servers.check({"EVALSHA", sha1, "0"});
  servers.check({"SCRIPT", "LOAD", "return 1"});
  servers.check({"EVALSHA", sha1, "0"});
}

TEST_CASE("messages are pushed at once; the keys that a script wrote follow when it has ended, once each and sorted") {
  cb::TestRedis real;
  const auto listener = real.client.connect(0);
  const cb::redis::Deadline deadline(5s);
  const auto id = std::to_string(listener->command({"CLIENT", "ID"}, deadline)->integer);
  listener->command({"CLIENT", "TRACKING", "ON", "REDIRECT", id, "BCAST", "PREFIX", "cb:"}, deadline);
  listener->command({"SUBSCRIBE", "__redis__:invalidate"}, deadline);
  listener->command({"SUBSCRIBE", "cb:news"}, deadline);
  const std::vector<std::string> script{"EVAL", R"(
    for _, key in ipairs({'cb:c', 'cb:a', 'cb:b', 'cb:a'}) do redis.call('SET', key, 1) end
    redis.call('PUBLISH', 'cb:news', 'first')
    redis.call('DEL', 'cb:b', 'cb:none')
    return redis.call('PUBLISH', 'cb:news', 'second') * 0)",
                                        "0"};
  CHECK(real.cli(script) == "0");
  listener->send({"PING"}, deadline);
  std::string real_order;
  for (bool is_complete = false; !is_complete;) {
    const cb::redis::Reply message = listener->receive(deadline);
    REQUIRE(message.error().empty());
    is_complete = cb::redis::text_of(*message->element[0]) == "pong";
    if (!is_complete) real_order += to_text(*message->element[2]);
  }
  VirtualRedis redis(1);
  CHECK(reply_to(redis, script) == "0");
  std::string order;
  for (const Push& push : redis.take_pushes()) order += push.text.empty() ? push.key_or_channel + " " : push.text + " ";
  CHECK(order == "first second cb:a cb:b cb:c ");
  CHECK(real_order == R"("first""second"["cb:a" "cb:b" "cb:c"])");
}

TEST_CASE("a key expires in the millisecond after its last one, and is announced when it is next used") {
  VirtualRedis redis(1);
  reply_to(redis, {"SET", "cb:a", "1", "PX", "5"});
  redis.take_pushes();
  CHECK(reply_to(redis, {"PTTL", "cb:a"}, start + 5999us) == "0");
  CHECK(redis.take_pushes().empty());
  CHECK(reply_to(redis, {"GET", "cb:a"}, start + 6ms) == "nil");
  CHECK(redis.take_pushes() == std::vector<Push>{{Push::Kind::key_written, "cb:a"}});
  CHECK(redis.data().empty());
  reply_to(redis, {"SET", "cb:a", "1", "PX", "5"});
  CHECK(reply_to(redis, {"DEL", "cb:a"}, start + 6ms) == "0");
}

TEST_CASE("a key that has expired is announced as by a real server, and does not lend its expiry to the next one") {
  ComparedServers servers("cb:news");
  servers.check({"SET", "cb:a", "1", "PX", "1"});
  servers.pass_milliseconds(1);
  servers.check({"HSET", "cb:a", "field", "value"});
  servers.check({"PTTL", "cb:a"});
}

TEST_CASE("the time is the caller's, in seconds and microseconds, for a script too") {
  VirtualRedis redis(1);
  CHECK(reply_to(redis, {"TIME"}, start + 42us) == R"(["1000000" "42"])");
  CHECK(reply_to(redis, {"EVAL", "return redis.call('TIME')", "0"}, start + 1s) == R"(["1000001" "0"])");
}

TEST_CASE("an eviction is counted until the statistics are reset, and announced") {
  VirtualRedis redis(1);
  reply_to(redis, {"SET", "cb:a", "1"});
  redis.take_pushes();
  redis.evict("cb:a");
  redis.evict("cb:a");
  CHECK(redis.take_pushes() == std::vector<Push>{{Push::Kind::key_written, "cb:a"}});
  CHECK(reply_to(redis, {"INFO", "stats"}) == "\"# Stats\r\nevicted_keys:1\r\n\"");
  CHECK(reply_to(redis, {"CONFIG", "RESETSTAT"}) == "+OK");
  CHECK(reply_to(redis, {"INFO", "stats"}) == "\"# Stats\r\nevicted_keys:0\r\n\"");
}

TEST_CASE("a server that is restarted has neither data nor scripts; with a snapshot it has the data") {
  VirtualRedis redis(0x1);
  reply_to(redis, {"EVAL", "return redis.call('SET', 'cb:a', 'old')", "0"});
  const Keyspace snapshot = redis.data();
  const std::string sha1 = reply_to(redis, {"SCRIPT", "LOAD", "return 1"});
  redis.restart(0x2);
  CHECK(reply_to(redis, {"GET", "cb:a"}) == "nil");
  CHECK(reply_to(redis, {"EVALSHA", sha1.substr(1, 40), "0"}) == "-NOSCRIPT");
  CHECK(reply_to(redis, {"INFO", "server"}).find("\nrun_id:0000000000000002") != std::string::npos);
  redis.take_pushes();
  redis.replace_data(snapshot);
  CHECK(reply_to(redis, {"GET", "cb:a"}) == "\"old\"");
  CHECK(redis.take_pushes() == std::vector<Push>{{Push::Kind::all_keys}});
}
