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
#include "program/processes/fair_stopwatch.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using program::ChildProcess;

namespace {

ChildProcess start(std::vector<std::string> options) {
  options.insert(options.begin(), LAB_BIN_DIR "/simple_breaker");
  return ChildProcess(options);
}

std::string output_of(const std::vector<std::string>& options) {
  ChildProcess demo = start(options);
  CHECK(demo.wait(20s) == 0);
  return demo.output();
}

// A temporary file, removed with this object.
class OutputFile {
 public:
  OutputFile() {
    std::string pattern = std::filesystem::temp_directory_path() / "demo.XXXXXX";
    close(mkstemp(pattern.data()));
    path = pattern;
  }
  ~OutputFile() { std::filesystem::remove(path); }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  json content() const {
    std::ifstream file(path);
    return json::parse(file);
  }

  std::string path;
};

json run_json(std::vector<std::string> options) {
  const OutputFile file;
  options.insert(options.end(), {"--fast", "--out", file.path});
  output_of(options);
  return file.content();
}

}  // namespace

TEST_CASE("the same seed gives the same run, and another seed another run") {
  const std::string first = output_of({"--fast", "--seed", "1"});
  CHECK(output_of({"--fast", "--seed", "1"}) == first);
  CHECK(first.find("seed 1\n") != std::string::npos);
  const std::string other = output_of({"--fast", "--seed", "2"});
  CHECK(other.substr(other.find('\n')) != first.substr(first.find('\n')));
}

TEST_CASE("--fast changes nothing in the output") {
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
  const std::string with_waiting = output_of(options);
  CHECK(std::chrono::steady_clock::now() - before >= 19 * 20ms);
  CHECK(with_waiting == output_of(fast));
}

TEST_CASE("an upstream that always fails gets three calls, and then one for each recovery timeout") {
  const json run = run_json({"--failure-rate", "1", "--seed", "1"});
  // Called at 0, 1, 2 s: open until 7 s; probes at 7, 12, 17 s, each of which opens it again. 6 of 20.
  CHECK(run["calls"] == json{{"success", 0}, {"failure", 6}, {"exception", 0}, {"blocked", 14}});
  CHECK(run["transitions"].size() == 1 + 3 * 2);
  CHECK(run["transitions"][0] == json{{"generation", 2'000'000},
                                      {"from", "closed"},
                                      {"to", "open"},
                                      {"cause", "3 consecutive failures"},
                                      {"at_ms", 2000}});
  std::vector<int> probes;
  for (const auto& attempt : run["attempts"]) {
    if (attempt["probe"] == true) probes.push_back(attempt["at_ms"]);
  }
  CHECK(probes == std::vector{7000, 12000, 17000});
}

TEST_CASE("a healthy upstream gets every call, and the circuit stays closed") {
  const json run = run_json({"--failure-rate", "0", "--attempts", "7"});
  CHECK(run["calls"] == json{{"success", 7}, {"failure", 0}, {"exception", 0}, {"blocked", 0}});
  CHECK(run["transitions"].empty());
  CHECK(run["attempts"][6] == json{{"at_ms", 6000}, {"status", "success"}, {"state", "closed"}, {"probe", false}});
}

TEST_CASE("the circuit closes again when the upstream has recovered") {
  const json run = run_json({"--plan", "healthy 2s, down 4s, healthy", "--seed", "1"});
  // Fails at 2, 3, 4 s; blocked at 5 to 8 s; the probe at 9 s finds it healthy.
  CHECK(run["calls"] == json{{"success", 13}, {"failure", 3}, {"exception", 0}, {"blocked", 4}});
  CHECK(run["transitions"].back()["cause"] == "1 successful probe");
  CHECK(run["transitions"].back()["at_ms"] == 9000);
}

TEST_CASE("a call without an answer is a failure to the breaker") {
  for (const std::string fault : {"hang 1", "drop 1"}) {
    CHECK(run_json({"--plan", fault, "--attempts", "3"})["transitions"].size() == 1);
  }
}

TEST_CASE("the policy's options take effect and appear in the file") {
  const json run = run_json({"--failure-rate", "1", "--failure-threshold", "2", "--recovery-timeout", "3s",
                             "--permitted-calls-in-half-open", "4", "--success-threshold", "5", "--probe-timeout", "6s",
                             "--seed", "7", "--attempts", "4", "--interval", "500ms"});
  CHECK(run["stage"] == "simple");
  CHECK(run["settings"] == json{{"failure_threshold", 2},
                                {"recovery_timeout_ms", 3000},
                                {"permitted_calls_in_half_open", 4},
                                {"success_threshold", 5},
                                {"probe_timeout_ms", 6000},
                                {"seed", 7},
                                {"attempts", 4},
                                {"interval_ms", 500},
                                {"failure_rate", 1.0}});
  CHECK(run["calls"]["failure"] == 2);
}

TEST_CASE("every line fits a terminal of 80 columns, and a pipe gets no colours") {
  const std::string text = output_of({"--fast", "--seed", "1", "--attempts", "10000"});
  size_t longest = 0;
  for (size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    longest = std::max(longest, end - begin);
  }
  CHECK(longest <= 80);
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("Ctrl-C ends the demo within a second, with the summary and the file") {
  const OutputFile file;
  ChildProcess demo = start({"--seed", "1", "--interval", "1h", "--out", file.path});
  demo.wait_for_line("FAILED");
  const program::FairStopwatch stopwatch;
  demo.send_signal(SIGINT);
  CHECK(demo.wait(20s) == 130);
  CHECK(stopwatch.elapsed() < std::chrono::milliseconds(LAB_END_WITHIN_MS));
  CHECK(demo.output().find("reached upstream       1") != std::string::npos);
  CHECK(file.content()["attempts"].size() == 1);
}

TEST_CASE("a file that cannot be opened is reported before the demo starts") {
  ChildProcess demo = start({"--out", "/nonexistent/run.json"});
  CHECK(demo.wait(10s) == 1);
  CHECK(demo.output() == "error: cannot write /nonexistent/run.json: No such file or directory\n");
}

TEST_CASE("a file that cannot be written completely is an error") {
  ChildProcess demo = start({"--fast", "--out", "/dev/full"});
  CHECK(demo.wait(10s) == 1);
  CHECK(demo.output().find("error: cannot write /dev/full: No space left on device") != std::string::npos);
}

TEST_CASE("a bad option yields one line that names it, and exit code 2") {
  const auto is_refused = [](const std::vector<std::string>& options, const std::string& name) {
    ChildProcess demo = start(options);
    CHECK(demo.wait(10s) == 2);
    const std::string text = demo.output();
    CHECK_MESSAGE(text.find(name) != std::string::npos, text);
    CHECK_MESSAGE(std::count(text.begin(), text.end(), '\n') == 1, text);
  };
  is_refused({"--banana"}, "--banana");
  is_refused({"--attempts", "0"}, "--attempts");
  is_refused({"--interval", "0s"}, "interval is 0ms");
  is_refused({"--seed", "-1"}, "--seed");
  is_refused({"--failure-rate", "2"}, "failure_rate is 2");
  is_refused({"--success-threshold", "0"}, "success_threshold is 0");
  is_refused({"--failure-threshold", "many"}, "--failure-threshold");
  is_refused({"--recovery-timeout", "0s"}, "recovery_timeout is 0ms");
  is_refused({"--plan", "down 5s"}, "phase 'down 5s'");
  is_refused({"--plan", "down", "--failure-rate", "1"}, "--plan");
}
