#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program/processes/child_process.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using program::ChildProcess;

namespace {

ChildProcess start(std::vector<std::string> options) {
  options.insert(options.begin(), LAB_BIN_DIR "/simple_breaker");
  return ChildProcess(options);
}

std::string told(const std::vector<std::string>& options) {
  ChildProcess demo = start(options);
  CHECK(demo.wait(20s) == 0);
  return demo.output();
}

// A file of our own that ends with this object.
class StoryFile {
 public:
  StoryFile() {
    std::string pattern = std::filesystem::temp_directory_path() / "story.XXXXXX";
    close(mkstemp(pattern.data()));
    path = pattern;
  }
  ~StoryFile() { std::filesystem::remove(path); }
  StoryFile(const StoryFile&) = delete;
  StoryFile& operator=(const StoryFile&) = delete;

  json content() const {
    std::ifstream file(path);
    return json::parse(file);
  }

  std::string path;
};

json story(std::vector<std::string> options) {
  const StoryFile file;
  options.insert(options.end(), {"--fast", "--out", file.path});
  told(options);
  return file.content();
}

}  // namespace

TEST_CASE("the same seed tells the same story, and another seed another") {
  const std::string first = told({"--fast", "--seed", "1"});
  CHECK(told({"--fast", "--seed", "1"}) == first);
  CHECK(first.find("seed 1\n") != std::string::npos);
  const std::string other = told({"--fast", "--seed", "2"});
  CHECK(other.substr(other.find('\n')) != first.substr(first.find('\n')));
}

TEST_CASE("waiting for the story does not change a letter of it") {
  const std::vector<std::string> options{"--seed",
                                         "1",
                                         "--interval",
                                         "20ms",
                                         "--recovery-timeout",
                                         "100ms",
                                         "--plan",
                                         "healthy 100ms, down 200ms, slow 30ms"};
  auto fast = options;
  fast.push_back("--fast");
  const auto before = std::chrono::steady_clock::now();
  const std::string slow_story = told(options);
  CHECK(std::chrono::steady_clock::now() - before >= 19 * 20ms);
  CHECK(slow_story == told(fast));
}

TEST_CASE("an upstream that always fails is asked three times, and then once a recovery timeout") {
  const json told = story({"--failure-rate", "1", "--seed", "1"});
  // Asked at 0, 1, 2 s: open until 7 s; probes at 7, 12, 17 s, each of which opens it again. 6 of 20.
  CHECK(told["calls"] == json{{"success", 0}, {"failure", 6}, {"exception", 0}, {"blocked", 14}});
  CHECK(told["transitions"].size() == 1 + 3 * 2);
  CHECK(told["transitions"][0] == json{{"generation", 2'000'000},
                                       {"from", "closed"},
                                       {"to", "open"},
                                       {"cause", "3 consecutive failures"},
                                       {"at_ms", 2000}});
  std::vector<int> probes;
  for (const auto& attempt : told["attempts"]) {
    if (attempt["probe"] == true) probes.push_back(attempt["at_ms"]);
  }
  CHECK(probes == std::vector{7000, 12000, 17000});
}

TEST_CASE("a healthy upstream is always asked, and the circuit never moves") {
  const json told = story({"--failure-rate", "0", "--attempts", "7"});
  CHECK(told["calls"] == json{{"success", 7}, {"failure", 0}, {"exception", 0}, {"blocked", 0}});
  CHECK(told["transitions"].empty());
  CHECK(told["attempts"][6] == json{{"at_ms", 6000}, {"status", "success"}, {"state", "closed"}, {"probe", false}});
}

TEST_CASE("the circuit closes again when the upstream has recovered") {
  const json told = story({"--plan", "healthy 2s, down 4s, healthy", "--seed", "1"});
  // Fails at 2, 3, 4 s; blocked at 5 to 8 s; the probe at 9 s finds it healthy.
  CHECK(told["calls"] == json{{"success", 13}, {"failure", 3}, {"exception", 0}, {"blocked", 4}});
  CHECK(told["transitions"].back()["cause"] == "1 successful probe");
  CHECK(told["transitions"].back()["at_ms"] == 9000);
}

TEST_CASE("a call without an answer is a failure to the breaker") {
  for (const std::string fault : {"hang 1", "drop 1"}) {
    CHECK(story({"--plan", fault, "--attempts", "3"})["transitions"].size() == 1);
  }
}

TEST_CASE("the policy's options reach the breaker and the file") {
  const json told = story({"--failure-rate", "1", "--failure-threshold", "2", "--recovery-timeout", "3s",
                           "--permitted-calls-in-half-open", "4", "--success-threshold", "5", "--probe-timeout", "6s",
                           "--seed", "7", "--attempts", "4", "--interval", "500ms"});
  CHECK(told["stage"] == "simple");
  CHECK(told["settings"] == json{{"failure_threshold", 2},
                                 {"recovery_timeout_ms", 3000},
                                 {"permitted_calls_in_half_open", 4},
                                 {"success_threshold", 5},
                                 {"probe_timeout_ms", 6000},
                                 {"seed", 7},
                                 {"attempts", 4},
                                 {"interval_ms", 500},
                                 {"failure_rate", 1.0}});
  CHECK(told["calls"]["failure"] == 2);
}

TEST_CASE("every line fits a terminal of 80 columns, and a pipe gets no colours") {
  const std::string text = told({"--fast", "--seed", "1", "--attempts", "10000"});
  size_t longest = 0;
  for (size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    longest = std::max(longest, end - begin);
  }
  CHECK(longest <= 80);
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("Ctrl-C ends the demo at once, with the summary and the file") {
  using SteadyClock = std::chrono::steady_clock;
  auto fastest = SteadyClock::duration::max();
  for (int attempt = 0; fastest >= 1s && attempt < 5; ++attempt) {
    const StoryFile file;
    ChildProcess demo = start({"--seed", "1", "--interval", "1h", "--out", file.path});
    demo.wait_for_line("FAILED");
    const auto asked = SteadyClock::now();
    demo.send_signal(SIGINT);
    CHECK(demo.wait(20s) == 130);
    fastest = std::min(fastest, SteadyClock::now() - asked);
    CHECK(demo.output().find("reached upstream       1") != std::string::npos);
    CHECK(file.content()["attempts"].size() == 1);
  }
  CHECK(fastest < 1s);
}

TEST_CASE("a file that cannot be written is found out before the demo begins") {
  ChildProcess demo = start({"--out", "/nonexistent/story.json"});
  CHECK(demo.wait(10s) == 1);
  CHECK(demo.output() == "error: cannot write /nonexistent/story.json: No such file or directory\n");
}

TEST_CASE("a file that could not be written to its end is an error") {
  ChildProcess demo = start({"--fast", "--out", "/dev/full"});
  CHECK(demo.wait(10s) == 1);
  CHECK(demo.output().find("error: cannot write /dev/full: No space left on device") != std::string::npos);
}

TEST_CASE("a bad option is one line that names it, and exit code 2") {
  const auto refused = [](const std::vector<std::string>& options, const std::string& name) {
    ChildProcess demo = start(options);
    CHECK(demo.wait(10s) == 2);
    const std::string text = demo.output();
    CHECK_MESSAGE(text.find(name) != std::string::npos, text);
    CHECK_MESSAGE(std::count(text.begin(), text.end(), '\n') == 1, text);
  };
  refused({"--banana"}, "--banana");
  refused({"--attempts", "0"}, "--attempts");
  refused({"--interval", "0s"}, "interval is 0ms");
  refused({"--seed", "-1"}, "--seed");
  refused({"--failure-rate", "2"}, "failure_rate is 2");
  refused({"--success-threshold", "0"}, "success_threshold is 0");
  refused({"--failure-threshold", "many"}, "--failure-threshold");
  refused({"--recovery-timeout", "0s"}, "recovery_timeout is 0ms");
  refused({"--plan", "down 5s"}, "phase 'down 5s'");
  refused({"--plan", "down", "--failure-rate", "1"}, "--plan");
}
