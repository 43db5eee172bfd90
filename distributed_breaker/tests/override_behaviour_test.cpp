// PUT /breaker/override: what each mode does, who may use it, and what is refused.
#include <sys/stat.h>

#include <chrono>
#include <tuple>
#include <utility>

#include "distributed_breaker/tests/behaviour_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

json expiring_request(const std::string& mode, int64_t expires_in_ms) {
  json request = override_request(mode);
  request["expires_in_ms"] = expires_in_ms;
  return request;
}

// {"mode":"forced_open","actor":"ann",MORE}
std::string forced_open_with(const std::string& more) { return R"({"mode":"forced_open","actor":"ann",)" + more + "}"; }

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("forced_open rejects every call, and status shows who, why and until when") {
  Fleet fleet;
  const auto instance = fleet.start();
  const int64_t before = now_ms();
  auto applied = instance.override(expiring_request("forced_open", 60'000));
  CHECK(applied.http_status == 200);
  CHECK(applied.body["state"] == "open");
  auto call = instance.call();
  CHECK(call.http_status == 503);
  CHECK(call.body["state"] == "open");
  CHECK(call.body["blocked_by"] == "breaker");
  CHECK(fleet.upstream.calls == 0);
  const json shown = instance.breaker()["override"];
  CHECK(shown.at("mode") == "forced_open");
  CHECK(shown.at("actor") == "ann");
  CHECK(shown.at("reason") == "deploying");
  CHECK(shown.at("expires_at_ms") >= before + 60'000);
  CHECK(shown.at("expires_at_ms") <= now_ms() + 60'000);
  CHECK(applied.body["override"]["expires_in_ms"] >= shown.at("expires_in_ms"));
  CHECK(causes(instance) == std::vector<std::string>{"forced open by ann: deploying"});
}

TEST_CASE("forced_closed and disabled admit every call and never open; only forced_closed counts") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--failure-threshold 1 --recovery-timeout 1m");
  instance.call();
  CHECK(instance.state() == "open");
  for (const auto& [mode, in_words, failures] :
       {std::tuple{"forced_closed", "forced closed", 3}, {"disabled", "disabled", 0}}) {
    CHECK(instance.override(override_request(mode)).http_status == 200);
    for (int i = 0; i < 3; ++i) CHECK(instance.call().http_status == 502);
    const json breaker = instance.breaker();
    CHECK(breaker["state"] == "closed");
    CHECK(breaker["failures"] == failures);
    CHECK(breaker["would_have_tripped"] == 0);
    CHECK(breaker["override"]["mode"] == mode);
    CHECK_FALSE(breaker["override"].contains("expires_at_ms"));
    CHECK(last_cause(instance) == in_words + std::string(" by ann: deploying"));
  }
}

TEST_CASE("metrics_only admits every call, and reports how often the circuit would have opened, and why") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--failure-threshold 2");
  CHECK(instance.override(override_request("metrics_only")).http_status == 200);
  for (int i = 0; i < 5; ++i) CHECK(instance.call().http_status == 502);
  CHECK(instance.state() == "closed");
  CHECK(instance.breaker()["would_have_tripped"] == 2);
  CHECK(instance.breaker()["failures"] == 1);
  CHECK(causes(instance) == std::vector<std::string>{"metrics only by ann: deploying"});
  CHECK(happens([&] { return holds(instance.process.output(), "would have opened: 2 consecutive failures"); }));
}

TEST_CASE("auto after forced_open begins with a probe") {
  Fleet fleet;
  const auto instance = fleet.start();
  instance.override(override_request("forced_open"));
  CHECK(instance.override(override_request("auto")).body["state"] == "half_open");
  CHECK_FALSE(instance.breaker().contains("override"));
  CHECK(last_cause(instance) == "automatic again by ann: deploying");
  auto probe = instance.call();
  CHECK(probe.body["probe"] == true);
  CHECK(probe.body["state"] == "closed");
}

TEST_CASE("reset closes an open circuit at once and clears its counts") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--failure-threshold 1 --recovery-timeout 1m");
  instance.call();
  CHECK(instance.override(override_request("reset")).http_status == 200);
  CHECK(instance.state() == "closed");
  CHECK(instance.breaker()["failures"] == 0);
  CHECK_FALSE(instance.breaker().contains("override"));
  CHECK(causes(instance) == std::vector<std::string>{"1 consecutive failure", "reset by ann: deploying"});
  fleet.upstream.status = 200;
  CHECK(instance.call().http_status == 200);
}

TEST_CASE(
    "after an override expires the breaker decides again: with a probe after forced_open, else with a new count") {
  Fleet fleet;
  const auto instance = fleet.start("--failure-threshold 1 --recovery-timeout 1m");
  instance.override(expiring_request("forced_open", 200));
  CHECK(happens([&] { return instance.state() == "half_open"; }));
  CHECK_FALSE(instance.breaker().contains("override"));
  CHECK(last_cause(instance) == "forced open: expired");
  CHECK(instance.call().body["state"] == "closed");
  instance.override(expiring_request("disabled", 50));
  CHECK(happens([&] { return last_cause(instance) == "disabled: expired" || instance.state() != "closed"; }));
  fleet.upstream.status = 500;
  CHECK(instance.call().body["state"] == "open");
}

TEST_CASE("the latest override is in force, and repeating it is not an error") {
  Fleet fleet;
  const auto instance = fleet.start();
  instance.override(override_request("forced_closed"));
  instance.override(override_request("forced_open"));
  CHECK(instance.override(override_request("forced_open")).http_status == 200);
  CHECK(instance.call().http_status == 503);
  instance.override(override_request("auto"));
  CHECK(instance.override(override_request("auto")).http_status == 200);
  CHECK(instance.call().http_status == 200);
}

TEST_CASE("an override is in force only for the tenant that it names") {
  Fleet fleet;
  const auto instance = fleet.start();
  auto applied = instance.override(override_request("forced_open"), "?tenant=acme");
  CHECK(applied.body["name"] == "unreliable_service/acme");
  CHECK(instance.get("/call?tenant=acme").http_status == 503);
  CHECK(instance.get("/call?tenant=beta").http_status == 200);
  CHECK(instance.call().http_status == 200);
  CHECK(instance.status()["transitions"][0]["context"] == "acme");
}

TEST_CASE("a bad override request is a 400 that names the field, and changes nothing") {
  Fleet fleet;
  const auto instance = fleet.start();
  const json before = stable_status(instance);
  const std::string an_object = "the body must be a JSON object", expiry = "expires_in_ms";
  const std::string not_utf8 = "{\"mode\":\"forced_open\",\"actor\":\"\xff\xfe\"}";
  const std::pair<std::string, std::string> bad_bodies[]{
      {"mode=forced_open", an_object},
      {R"({"mode":"forced_open","actor":"ann")", an_object},
      {R"({"mode":"forced_open","actor":"ann"} and more)", an_object},
      {not_utf8, an_object},
      {"null", an_object},
      {"7", an_object},
      {R"("forced_open")", an_object},
      {"[]", an_object},
      {R"([{"mode":"forced_open","actor":"ann"}])", an_object},
      {nested(30'000), an_object},
      {std::string(60'000, '['), an_object},
      {"{}", "mode"},
      {R"({"actor":"ann"})", "mode"},
      {R"({"mode":"open","actor":"ann"})", "mode"},
      {R"({"mode":"FORCED_OPEN","actor":"ann"})", "mode"},
      {R"({"mode":1,"actor":"ann"})", "mode"},
      {R"({"mode":null,"actor":"ann"})", "mode"},
      {R"({"mode":["forced_open"],"actor":"ann"})", "mode"},
      {R"({"mode":)" + nested(30'000) + R"(,"actor":"ann"})", "mode"},
      {R"({"mode":"forced_open"})", "actor"},
      {R"({"mode":"forced_open","actor":""})", "actor"},
      {R"({"mode":"forced_open","actor":7})", "actor"},
      {R"({"mode":"forced_open","actor":null})", "actor"},
      {R"({"mode":"forced_open","actor":{"name":"ann"}})", "actor"},
      {R"({"mode":"forced_open","actor":"a\nb"})", "actor"},
      {R"({"mode":"forced_open","actor":"\u001b[31mann"})", "actor"},
      {R"({"mode":"forced_open","actor":"ann\u0000"})", "actor"},
      {R"({"mode":"forced_open","actor":")" + std::string(65, 'a') + R"("})", "actor"},
      {forced_open_with(R"("reason":7)"), "reason"},
      {forced_open_with(R"("reason":["x"])"), "reason"},
      {forced_open_with(R"("reason":"x\r\ny")"), "reason"},
      {forced_open_with(R"("reason":"\u007f")"), "reason"},
      {forced_open_with(R"("reason":")" + std::string(201, 'x') + R"(")"), "reason"},
      {forced_open_with(R"("expires_in_ms":0)"), expiry},
      {forced_open_with(R"("expires_in_ms":-1)"), expiry},
      {forced_open_with(R"("expires_in_ms":-9223372036854775808)"), expiry},
      {forced_open_with(R"("expires_in_ms":1.5)"), expiry},
      {forced_open_with(R"("expires_in_ms":1e300)"), expiry},
      {forced_open_with(R"("expires_in_ms":31536000001)"), expiry},
      {forced_open_with(R"("expires_in_ms":18446744073709551615)"), expiry},
      {forced_open_with(R"("expires_in_ms":99999999999999999999999)"), expiry},
      {forced_open_with(R"("expires_in_ms":"1000")"), expiry},
      {forced_open_with(R"("expires_in_ms":null)"), expiry},
      {forced_open_with(R"("expires_in_ms":true)"), expiry},
      {forced_open_with(R"("expires":1000)"), "there is no field expires"},
      {forced_open_with(R"("Mode":"auto")"), "there is no field Mode"},
  };
  for (const auto& [body, named] : bad_bodies) {
    auto answer = instance.put("/breaker/override", body);
    const std::string start = body.substr(0, 100);
    CAPTURE(start);
    CHECK(answer.http_status == 400);
    CHECK(holds(answer.body.value("error", ""), named));
  }
  CHECK(stable_status(instance) == before);
}

TEST_CASE("the longest allowed actor, reason and expiry are accepted") {
  Fleet fleet;
  const auto instance = fleet.start();
  auto applied = instance.override({{"mode", "forced_open"},
                                    {"actor", std::string(64, 'a')},
                                    {"reason", std::string(194, 'x') + "\"\\ \u00e9/"},
                                    {"expires_in_ms", 31'536'000'000}});
  CHECK(applied.http_status == 200);
  CHECK(instance.breaker()["override"]["actor"] == std::string(64, 'a'));
  CHECK(instance.breaker()["override"]["reason"] == std::string(194, 'x') + "\"\\ \u00e9/");
}

TEST_CASE("an override request without a body is a 411 that says so") {
  const Fleet fleet;
  const auto instance = fleet.start();
  auto answer = instance.put("/breaker/override", "");
  CHECK(answer.http_status == 411);
  CHECK(answer.body.value("error", "") == "a body needs its length; send Content-Length");
  CHECK(instance.state() == "closed");
}

TEST_CASE("a body of 100 KiB is refused, and changes nothing") {
  Fleet fleet;
  const auto instance = fleet.start();
  const json before = stable_status(instance);
  const std::string body = forced_open_with(R"("reason":")" + std::string(100 * 1024, 'x') + R"(")");
  auto answer = instance.put("/breaker/override", body);
  CHECK(answer.http_status == 413);
  CHECK(answer.body.value("error", "") == "the body is too large; the limit is 64 KiB");
  CHECK(stable_status(instance) == before);
}

TEST_CASE("an invalid tenant name is a 400 on every route, and changes nothing") {
  Fleet fleet;
  const auto instance = fleet.start();
  const json before = stable_status(instance);
  for (const std::string& name :
       {std::string(), std::string(129, 'a'), std::string(5000, 'a'), std::string("a%20b"), std::string("a+b"),
        std::string("a@b"), std::string("a%40b"), std::string("%00"), std::string("acme%00"), std::string("a%0D%0Ab"),
        std::string("%ff%fe"), std::string("%c3%a9"), std::string("%c3"), std::string("100%"), std::string("%zz"),
        std::string("%7Bacme%7D"), std::string("a*"), std::string("%22")}) {
    CAPTURE(name);
    const std::string query = "?tenant=" + name;
    for (auto answer : {instance.get("/call" + query), instance.get("/status" + query),
                        instance.override(override_request("forced_open"), query)}) {
      CHECK(answer.http_status == 400);
      CHECK(holds(answer.body.value("error", ""), "tenant"));
    }
  }
  CHECK(stable_status(instance) == before);
  CHECK(fleet.upstream.calls == 0);
}

TEST_CASE("with a token file overrides need the token, and the log never shows it") {
  Fleet fleet;
  const std::string token = "correct-horse-battery-staple", wrong = "wrong-horse-battery-staple";
  const PrivateFile file(token + "\n");
  auto instance = fleet.start("--admin-token-file " + file.path());
  const json before = stable_status(instance);
  const auto put = [&](const httplib::Headers& headers) {
    httplib::Client client(instance.url);
    client.set_read_timeout(30s);
    const auto answer =
        client.Put("/breaker/override", headers, override_request("forced_open").dump(), "application/json");
    REQUIRE(answer);
    return *answer;
  };
  const auto none = put({});
  CHECK(none.status == 401);
  CHECK(none.get_header_value("WWW-Authenticate") == "Bearer");
  CHECK(put({{"Authorization", "Basic " + token}}).status == 401);
  CHECK(put({{"Authorization", "Bearer " + token}, {"Authorization", "Bearer " + wrong}}).status == 401);
  for (const std::string& other : {wrong, token + "x", token.substr(1), std::string(300, 'x')}) {
    CHECK(put({{"Authorization", "Bearer " + other}}).status == 403);
  }
  CHECK(stable_status(instance) == before);
  CHECK(put({{"Authorization", "Bearer " + token}}).status == 200);
  CHECK(instance.state() == "open");
  instance.process.send_signal(SIGTERM);
  CHECK(instance.process.wait(10s) == 0);
  CHECK(holds(instance.process.output(), "refused with 401"));
  CHECK(holds(instance.process.output(), "refused with 403"));
  CHECK_FALSE(holds(instance.process.output(), token));
  CHECK_FALSE(holds(instance.process.output(), wrong));
}

TEST_CASE("a token file that others can read, or without a token, is one error line and exit code 2") {
  Fleet fleet;
  const PrivateFile open_to_all("correct-horse-battery-staple\n"), too_short("abc\n"), empty("");
  chmod(open_to_all.path().c_str(), 0644);
  for (const auto& [path, why] : {std::pair<std::string, std::string>{open_to_all.path(), "chmod 600"},
                                  {too_short.path(), "16 to 256"},
                                  {empty.path(), "16 to 256"},
                                  {"/no/such/file", "No such file"},
                                  {"/dev/null", "regular file"}}) {
    const Ended ended = fleet.run("--admin-token-file " + path);
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 2);
    CHECK(ended.output.rfind("error: admin_token_file is '" + path, 0) == 0);
    CHECK(holds(ended.output, why));
    CHECK(std::count(ended.output.begin(), ended.output.end(), '\n') == 1);
    CHECK_FALSE(holds(ended.output, "correct-horse"));
  }
}
