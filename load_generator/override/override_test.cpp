// Runs `load_generator override` against fake instances, and checks what reaches them and what the user reads.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "load_generator/api/fake_instance.hpp"
#include "program/processes/child_process.hpp"
#include "program/processes/temporary_folder.hpp"

using namespace std::chrono_literals;
using nlohmann::json;

namespace {

const std::string token = "Sesame-open-\"'\\$x`~";
constexpr const char* no_instance = "http://127.0.0.1:1";

// Gives every request the same answer, and remembers the requests.
class RecordingInstance {
 public:
  using Answer = std::function<void(httplib::Response&)>;

  explicit RecordingInstance(const json& answer = json::object(), int status = 200)
      : RecordingInstance(
            [answer, status](httplib::Response& response) { program::answer_json(response, status, answer.dump()); }) {}
  explicit RecordingInstance(const Answer& answer) {
    const auto take = [this, answer](const httplib::Request& request, httplib::Response& response) {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(request);
      answer(response);
    };
    server_.on_put("/breaker/override", take);
    server_.on("/status", httplib::Server::Handler(take));
    server_.start();
  }

  const std::string& url() const { return server_.url(); }
  std::vector<httplib::Request> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }
  httplib::Request only_request() const {
    REQUIRE(requests().size() == 1);
    return requests()[0];
  }
  json body() const { return json::parse(only_request().body); }

 private:
  mutable std::mutex mutex_;
  std::vector<httplib::Request> requests_;
  load::FakeInstance server_{4};  // last: its thread uses the others
};

std::string write_file(const program::TemporaryFolder& folder, const std::string& name, const std::string& text) {
  std::ofstream(folder.path() / name) << text;
  return folder.path() / name;
}

struct Result {
  int exit_code = -1;
  std::string output;
};

Result run_override(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {LAB_BIN_DIR "/load_generator", "override"});
  program::ChildProcess child(arguments);
  const auto exit_code = child.wait(20s);
  REQUIRE(exit_code);
  return {*exit_code, child.output()};
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

json status_of(const std::string& instance, const json& override_object, const std::string& state = "closed") {
  return {{"instance", instance},
          {"breaker", {{"name", "x"}, {"state", state}, {"failures", 2}, {"override", override_object}}}};
}

}  // namespace

TEST_CASE("each command sends its mode, the actor and the reason") {
  const std::vector<std::pair<std::string, std::string>> modes{{"force-open", "forced_open"},
                                                               {"force-close", "forced_closed"},
                                                               {"disable", "disabled"},
                                                               {"metrics-only", "metrics_only"},
                                                               {"auto", "auto"},
                                                               {"reset", "reset"}};
  for (const auto& [command, mode] : modes) {
    const RecordingInstance instance;
    const Result result = run_override({command, "--actor", "ada", "--instance", instance.url() + "/"});
    CHECK(result.exit_code == 0);
    CHECK(result.output == instance.url() + ": " + command + " is done\n");
    CHECK(instance.only_request().method == "PUT");
    CHECK(instance.only_request().get_header_value("Content-Type") == "application/json");
    CHECK(instance.body() == json{{"mode", mode}, {"actor", "ada"}, {"reason", "by hand"}});
  }
}

TEST_CASE("without --actor the user is the actor") {
  const RecordingInstance instance;
  setenv("USER", "grace", 1);
  run_override({"auto", "--instance", instance.url()});
  CHECK(instance.body().at("actor") == "grace");
}

TEST_CASE("any text arrives as it was typed") {
  const std::string text = "-a \"quoted\" \\ 'reason' $(id) `id` \n\t\u00e9 @file &?#% [b,c]";
  const RecordingInstance instance;
  const Result result =
      run_override({"disable", "--reason", text, "--actor", text, "--tenant", text, "--instance", instance.url()});
  CHECK(result.exit_code == 0);
  CHECK(instance.body().at("reason") == text);
  CHECK(instance.body().at("actor") == text);
  CHECK(instance.only_request().get_param_value("tenant") == text);
  CHECK(instance.only_request().params.size() == 1);
}

TEST_CASE("--for is sent in milliseconds") {
  const std::vector<std::pair<std::string, int64_t>> durations{
      {"250ms", 250}, {"10s", 10'000}, {"10m", 600'000}, {"08h", 28'800'000}};
  for (const auto& [text, ms] : durations) {
    const RecordingInstance instance;
    CHECK(run_override({"force-open", "--for", text, "--instance", instance.url()}).exit_code == 0);
    CHECK(instance.body().at("expires_in_ms") == ms);
  }
}

TEST_CASE("every instance gets the override, up to the first that says that the breaker is shared") {
  const RecordingInstance a, b, shared(json{{"shared", true}}), beyond;
  CHECK(run_override({"force-open", "--instance", a.url(), "--instance", b.url(), "--instance", shared.url(),
                      "--instance", beyond.url()})
            .exit_code == 0);
  CHECK(a.requests().size() == 1);
  CHECK(b.requests().size() == 1);
  CHECK(shared.requests().size() == 1);
  CHECK(beyond.requests().empty());
}

TEST_CASE("an instance that does not answer is named, and the others still get the override") {
  const RecordingInstance there;
  const Result result = run_override({"force-open", "--instance", no_instance, "--instance", there.url()});
  CHECK(result.exit_code == 1);
  CHECK(holds(result.output, std::string(no_instance) + " does not answer: Could"));
  CHECK(there.requests().size() == 1);
}

TEST_CASE("half an answer is not an answer") {
  const RecordingInstance breaks_off(RecordingInstance::Answer([](httplib::Response& response) {
    response.status = 200;
    response.set_content_provider(100, "application/json", [](size_t, size_t, httplib::DataSink& sink) {
      sink.write("{}", 2);
      return false;
    });
  }));
  const Result result = run_override({"force-open", "--instance", breaks_off.url()});
  CHECK(result.exit_code == 1);
  CHECK(holds(result.output, breaks_off.url() + " does not answer: Transferred a partial file"));
}

TEST_CASE("where the breaker is shared, one instance that answers is enough") {
  const RecordingInstance shared(json{{"shared", true}});
  CHECK(run_override({"force-open", "--instance", no_instance, "--instance", shared.url()}).exit_code == 0);
}

TEST_CASE("a refusal is printed in the server's words, on one line and without control characters") {
  const RecordingInstance refuses({{"error", "that is\nnot\x1b[31m the token"}}, 403);
  const Result result = run_override({"force-open", "--instance", refuses.url()});
  CHECK(result.exit_code == 1);
  CHECK(result.output == refuses.url() + " answers 403: that is not [31m the token\n");
}

TEST_CASE("the token comes from a file, goes along only with what writes, and is never printed") {
  const program::TemporaryFolder folder;
  const std::string file = write_file(folder, "token", "  " + token + "\r\nmore\n");
  const RecordingInstance instance, refuses({{"error", "that is not the token"}}, 403),
      read_only(status_of("Instance-A", nullptr));
  const Result written = run_override({"reset", "--token-file", file, "--instance", instance.url()});
  CHECK(written.exit_code == 0);
  CHECK(instance.only_request().get_header_value("Authorization") == "Bearer " + token);
  const Result refused = run_override({"reset", "--token-file", file, "--instance", refuses.url()});
  CHECK(refused.exit_code == 1);
  const Result read = run_override({"status", "--token-file", file, "--instance", read_only.url()});
  CHECK(read.exit_code == 0);
  CHECK_FALSE(read_only.only_request().has_header("Authorization"));
  for (const Result& result : {written, refused, read}) CHECK_FALSE(holds(result.output, "Sesame"));
}

TEST_CASE("a token may come through a pipe, as from a password store") {
  const RecordingInstance instance;
  const std::string command = LAB_BIN_DIR "/load_generator override reset --instance " + instance.url() +
                              " --token-file <(printf '0123456789abcdef')";
  program::ChildProcess child({"bash", "-c", command});
  CHECK(child.wait(20s) == 0);
  CHECK(instance.only_request().get_header_value("Authorization") == "Bearer 0123456789abcdef");
}

TEST_CASE("status prints one aligned line an instance") {
  setenv("TZ", "UTC", 1);
  const RecordingInstance a(status_of("Instance-A", nullptr)),
      b(status_of(
          "B",
          {{"mode", "forced_open"}, {"actor", "ada"}, {"reason", "deploy\t\x1b[31m"}, {"expires_at_ms", 1769862896789}},
          "half_open")),
      old({{"instance", "Old"}, {"breaker", {{"state", "open"}, {"failures", 3}}}});
  const Result result = run_override(
      {"status", "--instance", a.url(), "--instance", b.url(), "--instance", old.url(), "--tenant", "x y"});
  CHECK(result.exit_code == 0);
  CHECK(result.output ==
        "instance    state      mode         failures  until                reason\n"
        "Instance-A  closed     auto         2         -                    -\n"
        "B           half_open  forced_open  2         2026-01-31 12:34:56  deploy  [31m (ada)\n"
        "Old         open       auto         3         -                    -\n");
  CHECK(a.only_request().get_param_value("tenant") == "x y");
}

TEST_CASE("status names an instance that does not answer, and one whose answer is something else") {
  const RecordingInstance odd(json("odd"));
  const Result result = run_override({"status", "--instance", no_instance, "--instance", odd.url()});
  CHECK(result.exit_code == 1);
  CHECK(holds(result.output, std::string(no_instance) + " does not answer: Could"));
  CHECK(holds(result.output, odd.url() + " answers 200"));
  CHECK_FALSE(holds(result.output, "instance "));
}

TEST_CASE("a wrong option is one line and exit code 2, and no instance is asked") {
  const program::TemporaryFolder folder;
  const std::string empty = write_file(folder, "empty", ""),
                    spaced = write_file(folder, "spaced", "two words of sesame\n"),
                    brief = write_file(folder, "brief", "short\n");
  const RecordingInstance instance;
  const std::vector<std::vector<std::string>> wrong{
      {},
      {"open"},
      {"force-open", "--reason"},
      {"force-open", "now"},
      {"force-open", "--until", "10s"},
      {"force-open", "--for", "10"},
      {"force-open", "--for", "0s"},
      {"force-open", "--for", "-1s"},
      {"force-open", "--for", "a[$(touch x)]s"},
      {"auto", "--for", "10s"},
      {"reset", "--for", "10s"},
      {"status", "--for", "10s"},
      {"force-open", "--instance", "8001"},
      {"force-open", "--instance", "file:///etc/passwd"},
      {"force-open", "--instance", "-K/etc/passwd"},
      {"force-open", "--token-file", "/no/such/file"},
      {"force-open", "--token-file", empty},
      {"force-open", "--token-file", spaced},
      {"force-open", "--token-file", brief},
  };
  for (std::vector<std::string> arguments : wrong) {
    CAPTURE(arguments.empty() ? "" : arguments.back());
    if (!arguments.empty()) arguments.insert(arguments.begin() + 1, {"--instance", instance.url()});
    const Result result = run_override(arguments);
    CHECK(result.exit_code == 2);
    CHECK(result.output.find('\n') == result.output.size() - 1);
    CHECK_FALSE(holds(result.output, "sesame"));
  }
  CHECK(instance.requests().empty());
}

TEST_CASE("a signal ends a command that waits for an answer") {
  std::atomic<bool> asked = false, answered = false;
  load::FakeInstance hangs;
  hangs.on("/status", [&](const httplib::Request&, httplib::Response&) {
    asked = true;
    while (!answered) std::this_thread::sleep_for(1ms);
  });
  hangs.start();
  program::ChildProcess child({LAB_BIN_DIR "/load_generator", "override", "status", "--instance", hangs.url()});
  while (!asked) std::this_thread::yield();
  child.send_signal(SIGTERM);
  CHECK(child.wait(1s) == 128 + SIGTERM);
  answered = true;
}

TEST_CASE("override --help names every command and option") {
  const Result result = run_override({"--help"});
  CHECK(result.exit_code == 0);
  for (const char* word : {"Usage", "status", "force-open", "force-close", "disable", "metrics-only", "auto", "reset",
                           "--reason", "--actor", "--for", "--tenant", "--instance", "--token-file"}) {
    CHECK(holds(result.output, word));
  }
}
