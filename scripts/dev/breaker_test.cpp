// Runs scripts/breaker.sh against instances that only pretend, and looks at what reaches them.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "program/http/http_server.hpp"
#include "program/processes/child_process.hpp"

using namespace std::chrono_literals;
using nlohmann::json;

namespace {

const std::string token = "Sesame-open-\"'\\$x`~";

// An instance that answers what it is told to, and remembers what it was asked.
class PretendedInstance {
 public:
  using Answer = std::function<void(httplib::Response&)>;

  explicit PretendedInstance(const json& answer = json::object(), int status = 200)
      : PretendedInstance(
            [answer, status](httplib::Response& response) { program::answer_json(response, status, answer.dump()); }) {}
  explicit PretendedInstance(const Answer& answer) {
    const auto take = [this, answer](const httplib::Request& request, httplib::Response& response) {
      const std::scoped_lock lock(mutex_);
      asked_.push_back(request);
      answer(response);
    };
    server_.Put("/breaker/override", take);
    server_.Get("/status", take);
    url_ = "http://127.0.0.1:" + std::to_string(server_.bind("127.0.0.1", 0));
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~PretendedInstance() {
    server_.stop();
    thread_.join();
  }
  PretendedInstance(const PretendedInstance&) = delete;
  PretendedInstance& operator=(const PretendedInstance&) = delete;

  const std::string& url() const { return url_; }
  std::vector<httplib::Request> asked() const {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }
  httplib::Request only_request() const {
    REQUIRE(asked().size() == 1);
    return asked()[0];
  }
  json body() const { return json::parse(only_request().body); }

 private:
  program::HttpServer server_{4};
  std::string url_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::vector<httplib::Request> asked_;
};

// A folder for one test.
struct Folder {
  Folder() : path((std::filesystem::temp_directory_path() / "breaker_script_test.XXXXXX").string()) {
    REQUIRE(mkdtemp(path.data()) != nullptr);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
  std::string path;
};

struct Result {
  int code = -1;
  std::string output;
};

Result run(std::vector<std::string> command) {
  program::ChildProcess child(command);
  const auto code = child.wait(20s);
  REQUIRE(code);
  return {*code, child.output()};
}

Result breaker(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), LAB_SOURCE_DIR "/scripts/breaker.sh");
  return run(arguments);
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

json status_of(const std::string& instance, const json& override_object, const std::string& state = "closed") {
  return {{"instance", instance},
          {"breaker", {{"name", "x"}, {"state", state}, {"failures", 2}, {"override", override_object}}}};
}

constexpr const char* nobody = "http://127.0.0.1:1";

}  // namespace

TEST_CASE("each command sends its mode, who and why") {
  const std::vector<std::pair<std::string, std::string>> modes{{"force-open", "forced_open"},
                                                               {"force-close", "forced_closed"},
                                                               {"disable", "disabled"},
                                                               {"metrics-only", "metrics_only"},
                                                               {"auto", "auto"},
                                                               {"reset", "reset"}};
  for (const auto& [command, mode] : modes) {
    const PretendedInstance instance;
    const Result result = breaker({command, "--actor", "ada", "--instance", instance.url() + "/"});
    CHECK(result.code == 0);
    CHECK(result.output == instance.url() + ": " + command + " is done\n");
    CHECK(instance.only_request().method == "PUT");
    CHECK(instance.only_request().get_header_value("Content-Type") == "application/json");
    CHECK(instance.body() == json{{"mode", mode}, {"actor", "ada"}, {"reason", "by hand"}});
  }
}

TEST_CASE("without --actor it is the user") {
  const PretendedInstance instance;
  setenv("USER", "grace", 1);
  breaker({"auto", "--instance", instance.url()});
  CHECK(instance.body().at("actor") == "grace");
}

TEST_CASE("any text arrives as it was written") {
  const std::string text = "a \"quoted\" \\ 'reason' $(id) `id` \n\t\u00e9 @file &?#%";
  const PretendedInstance instance;
  CHECK(breaker({"disable", "--reason", text, "--actor", text, "--tenant", text, "--instance", instance.url()}).code ==
        0);
  CHECK(instance.body().at("reason") == text);
  CHECK(instance.body().at("actor") == text);
  CHECK(instance.only_request().get_param_value("tenant") == text);
  CHECK(instance.only_request().params.size() == 1);
}

TEST_CASE("--for is sent in milliseconds") {
  const std::vector<std::pair<std::string, int64_t>> durations{
      {"250ms", 250}, {"10s", 10'000}, {"10m", 600'000}, {"08h", 28'800'000}};
  for (const auto& [text, ms] : durations) {
    const PretendedInstance instance;
    CHECK(breaker({"force-open", "--for", text, "--instance", instance.url()}).code == 0);
    CHECK(instance.body().at("expires_in_ms") == ms);
  }
}

TEST_CASE("every instance is told, unless they say that they share the breaker") {
  const PretendedInstance a, b, shared(json{{"shared", true}}), beyond;
  CHECK(breaker({"force-open", "--instance", a.url(), "--instance", b.url(), "--instance", shared.url(), "--instance",
                 beyond.url()})
            .code == 0);
  CHECK(a.asked().size() == 1);
  CHECK(b.asked().size() == 1);
  CHECK(shared.asked().size() == 1);
  CHECK(beyond.asked().empty());
}

TEST_CASE("an instance that does not answer is named, and the others are still told") {
  const PretendedInstance there;
  const Result result = breaker({"force-open", "--instance", nobody, "--instance", there.url()});
  CHECK(result.code == 1);
  CHECK(holds(result.output, std::string(nobody) + " does not answer: curl: (7)"));
  CHECK(there.asked().size() == 1);
}

TEST_CASE("half an answer is none") {
  const PretendedInstance breaks_off(PretendedInstance::Answer([](httplib::Response& response) {
    response.status = 200;
    response.set_content_provider(100, "application/json", [](size_t, size_t, httplib::DataSink& sink) {
      sink.write("{}", 2);
      return false;
    });
  }));
  const Result result = breaker({"force-open", "--instance", breaks_off.url()});
  CHECK(result.code == 1);
  CHECK(holds(result.output, breaks_off.url() + " does not answer: curl: (18)"));
}

TEST_CASE("where the breaker is shared, one instance that answers is enough") {
  const PretendedInstance shared(json{{"shared", true}});
  CHECK(breaker({"force-open", "--instance", nobody, "--instance", shared.url()}).code == 0);
}

TEST_CASE("a refusal is told in the server's words, on one line and without control characters") {
  const PretendedInstance refuses({{"error", "that is\nnot\x1b[31m the token"}}, 403);
  const Result result = breaker({"force-open", "--instance", refuses.url()});
  CHECK(result.code == 1);
  CHECK(result.output == refuses.url() + " answers 403: that is not [31m the token\n");
}

TEST_CASE("the token comes from a file, goes along with what writes, and is on no command line") {
  const Folder folder;
  const std::string seen = folder.path + "/seen";
  const std::string spy =
      folder.file("curl", "#!/bin/bash\nprintf '%s\\n' \"$@\" >>" + seen + "\nexec /usr/bin/curl \"$@\"\n");
  std::filesystem::permissions(spy, std::filesystem::perms::owner_all);
  const std::string file = folder.file("token", "  " + token + "\r\nmore\n");
  const PretendedInstance instance;
  const Result result =
      run({"env", "PATH=" + folder.path + ":" + std::getenv("PATH"), LAB_SOURCE_DIR "/scripts/breaker.sh", "reset",
           "--token-file", file, "--instance", instance.url()});
  CHECK(result.code == 0);
  CHECK(instance.only_request().get_header_value("Authorization") == "Bearer " + token);
  std::ostringstream arguments;
  arguments << std::ifstream(seen).rdbuf();
  CHECK(holds(arguments.str(), "/breaker/override"));
  CHECK_FALSE(holds(arguments.str(), "Sesame"));
  const PretendedInstance read_only(status_of("Instance-A", nullptr));
  CHECK(breaker({"status", "--token-file", file, "--instance", read_only.url()}).code == 0);
  CHECK_FALSE(read_only.only_request().has_header("Authorization"));
}

TEST_CASE("status prints one aligned line an instance") {
  setenv("TZ", "UTC", 1);
  const PretendedInstance a(status_of("Instance-A", nullptr)),
      b(status_of(
          "B",
          {{"mode", "forced_open"}, {"actor", "ada"}, {"reason", "deploy\t\x1b[31m"}, {"expires_at_ms", 1769862896789}},
          "half_open")),
      old({{"instance", "Old"}, {"breaker", {{"state", "open"}, {"failures", 3}}}});
  const Result result =
      breaker({"status", "--instance", a.url(), "--instance", b.url(), "--instance", old.url(), "--tenant", "x y"});
  CHECK(result.code == 0);
  CHECK(result.output ==
        "instance    state      mode         failures  until                reason\n"
        "Instance-A  closed     auto         2         -                    -\n"
        "B           half_open  forced_open  2         2026-01-31 12:34:56  deploy  [31m (ada)\n"
        "Old         open       auto         3         -                    -\n");
  CHECK(a.only_request().get_param_value("tenant") == "x y");
}

TEST_CASE("status names who does not answer, or answers something else") {
  const PretendedInstance odd(json("odd"));
  const Result result = breaker({"status", "--instance", nobody, "--instance", odd.url()});
  CHECK(result.code == 1);
  CHECK(holds(result.output, std::string(nobody) + " does not answer: curl: (7)"));
  CHECK(holds(result.output, odd.url() + " answers 200"));
  CHECK_FALSE(holds(result.output, "instance "));
}

TEST_CASE("what was not understood is one line and exit code 2, and nobody is told") {
  const Folder folder;
  const std::string empty = folder.file("empty", ""), spaced = folder.file("spaced", "two words\n");
  const PretendedInstance instance;
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
  };
  for (std::vector<std::string> arguments : wrong) {
    CAPTURE(arguments.empty() ? "" : arguments.back());
    if (!arguments.empty()) arguments.insert(arguments.begin() + 1, {"--instance", instance.url()});
    const Result result = breaker(arguments);
    CHECK(result.code == 2);
    CHECK(result.output.find('\n') == result.output.size() - 1);
    CHECK(result.output.rfind("breaker.sh: ", 0) == 0);
  }
  CHECK(instance.asked().empty());
}

TEST_CASE("--help names every command") {
  const Result result = breaker({"--help"});
  CHECK(result.code == 0);
  for (const char* word : {"Usage", "status", "force-open", "force-close", "disable", "metrics-only", "auto", "reset",
                           "--reason", "--actor", "--for", "--tenant", "--instance", "--token-file"}) {
    CHECK(holds(result.output, word));
  }
}
