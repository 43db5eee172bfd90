// The behaviour that stages 2 and 3 share is tested once: the *_behaviour_test.cpp are compiled once and linked into
// both stages' test programs, each of which defines stage_under_test().
// The tests start real processes and a FakeUpstream. A Fleet's instances share one upstream and, in stage 3, a Redis
// that belongs to the fleet.
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "distributed_breaker/tests/instance_for_test.hpp"
#include "program/processes/temporary_folder.hpp"

namespace cb {

using SteadyClock = std::chrono::steady_clock;

struct StageUnderTest {
  std::string binary;
  std::vector<std::string> options{};  // of every instance of one fleet
  std::shared_ptr<void> shared{};      // what the fleet's instances share; destroyed with the fleet
};

// Each stage's test program defines it. Called once per fleet.
StageUnderTest stage_under_test();

inline std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

inline bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class Fleet {
 public:
  // `options` as typed on a command line, without quotes. The deadlines are long unless `options` sets them: a busy
  // machine is not what is tested.
  InstanceProcess start(const std::string& options = "") const { return start_at(upstream.url(), options); }
  InstanceProcess start_at(const std::string& upstream_url, const std::string& options = "") const {
    const std::string patience = holds(options, "--call-timeout") ? "" : " --call-timeout 20s --probe-timeout 30s";
    return {stage_.binary, upstream_url, with_stage(options + patience)};
  }

  // For an instance that is expected to end by itself.
  Ended run(const std::string& options) const {
    std::vector<std::string> command{LAB_BIN_DIR "/" + stage_.binary};
    const std::string port = holds(options, "--port ") ? "" : " --port 0";
    for (const std::string& word : with_stage(options + port)) command.push_back(word);
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

// A file that only this user can read.
class PrivateFile {
 public:
  explicit PrivateFile(const std::string& text) {
    std::ofstream(path()) << text;
    chmod(path().c_str(), 0600);
  }
  std::string path() const { return folder_.path() / "file"; }

 private:
  program::TemporaryFolder folder_;
};

// GET /status without what changes by itself.
inline nlohmann::json stable_status(const InstanceProcess& instance) {
  auto status = instance.status();
  status.erase("at_ms");
  status["breaker"].erase("view_age_ms");
  for (auto& transition : status["transitions"]) transition.erase("age_ms");
  for (auto& call : status["notable_calls"]) call.erase("age_ms");
  return status;
}

inline std::vector<std::string> causes(const InstanceProcess& instance) {
  std::vector<std::string> all;
  const nlohmann::json status = instance.status();
  for (const auto& transition : status.at("transitions")) all.push_back(transition.at("cause"));
  return all;
}

inline std::string last_cause(const InstanceProcess& instance) {
  const auto all = causes(instance);
  return all.empty() ? "" : all.back();
}

inline bool is_admitted(const InstanceProcess::Answer& answer) { return answer.body["status"] != "blocked"; }

// Calls until the breaker admits a call, and returns the answer to that one.
inline InstanceProcess::Answer first_admitted(const InstanceProcess& instance) {
  InstanceProcess::Answer answer{};
  REQUIRE(happens([&] { return is_admitted(answer = instance.call()); }));
  return answer;
}

inline int64_t now_ms() { return std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1); }

inline nlohmann::json override_request(const std::string& mode) {
  return {{"mode", mode}, {"actor", "ann"}, {"reason", "deploying"}};
}

// scripts/breaker.sh with these arguments, for these instances.
inline Ended breaker_script(std::vector<std::string> arguments, const std::vector<const InstanceProcess*>& instances) {
  arguments.insert(arguments.begin(), LAB_SOURCE_DIR "/scripts/breaker.sh");
  for (const auto* instance : instances) arguments.insert(arguments.end(), {"--instance", instance->url});
  return run_to_end(arguments);
}

}  // namespace cb
