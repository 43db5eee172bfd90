// The behaviour that stages 2 and 3 have in common is tested once: the *_behaviour_test.cpp are compiled once and
// become part of both stages' test programs, each of which says in stage_under_test() what it is that shall behave so.
// What they start are real processes round a FakeUpstream. A Fleet's instances see one upstream and, in stage 3, one
// Redis of the fleet's own.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "distributed_breaker/tests/instance_for_test.hpp"

namespace cb {

using SteadyClock = std::chrono::steady_clock;

struct StageUnderTest {
  std::string binary;
  std::vector<std::string> options{};  // of every instance of one fleet
  std::shared_ptr<void> shared{};      // what the fleet's instances share; ends with the fleet
};

// Each stage's test program defines it. What it returns is made for one fleet.
StageUnderTest stage_under_test();

inline std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

inline bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class Fleet {
 public:
  // `options` as one would type them, without quotes. The deadlines are patient unless they say otherwise: a busy
  // machine is not what is tested.
  InstanceProcess start(const std::string& options = "") const { return start_at(upstream.url(), options); }
  InstanceProcess start_at(const std::string& upstream_url, const std::string& options = "") const {
    const std::string patience = holds(options, "--call-timeout") ? "" : " --call-timeout 20s --probe-timeout 30s";
    return {stage_.binary, upstream_url, with_stage(options + patience)};
  }

  // For what is expected to end by itself.
  Ended run(const std::string& options) const {
    std::vector<std::string> command{LAB_BIN_DIR "/" + stage_.binary, "--port", "0"};
    for (const std::string& word : with_stage(options)) command.push_back(word);
    return run_to_end(command);
  }

  FakeUpstream upstream;

 private:
  std::vector<std::string> with_stage(const std::string& options) const {
    std::vector<std::string> all = words(options);
    all.insert(all.end(), stage_.options.begin(), stage_.options.end());
    return all;
  }

  const StageUnderTest stage_ = stage_under_test();
};

// A file for one test, which only this user may read.
class PrivateFile {
 public:
  explicit PrivateFile(const std::string& text) {
    const int descriptor = mkstemp(path_.data());
    REQUIRE(descriptor >= 0);
    close(descriptor);
    std::ofstream(path_) << text;
  }
  ~PrivateFile() { unlink(path_.c_str()); }
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/behaviour_test.XXXXXX";
};

// GET /status, without what changes by itself.
inline nlohmann::json status_of(const InstanceProcess& instance) {
  auto status = instance.get("/status").body;
  status["breaker"].erase("view_age_ms");
  return status;
}

inline std::vector<std::string> causes(const InstanceProcess& instance) {
  std::vector<std::string> all;
  const nlohmann::json status = instance.get("/status").body;
  for (const auto& transition : status.at("transitions")) all.push_back(transition.at("cause"));
  return all;
}

inline std::string last_cause(const InstanceProcess& instance) {
  const auto all = causes(instance);
  return all.empty() ? "" : all.back();
}

inline bool is_admitted(const InstanceProcess::Answer& answer) { return answer.body["status"] != "blocked"; }

// Calls until the breaker lets one through, and returns what became of that one.
inline InstanceProcess::Answer first_admitted(const InstanceProcess& instance) {
  InstanceProcess::Answer answer{};
  REQUIRE(happens([&] { return is_admitted(answer = instance.call()); }));
  return answer;
}

inline nlohmann::json override_request(const std::string& mode) {
  return {{"mode", mode}, {"actor", "ann"}, {"reason", "deploying"}};
}

}  // namespace cb
