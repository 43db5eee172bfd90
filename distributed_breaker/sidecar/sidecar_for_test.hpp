// A sidecar as a real process.
#pragma once

#include <string>

#include "distributed_breaker/sidecar/raw_http_for_test.hpp"
#include "distributed_breaker/tests/behaviour_for_test.hpp"

namespace cb {

struct SidecarProcess {
  explicit SidecarProcess(const std::string& upstream, const std::string& options = "")
      : instance("distributed_breaker", upstream, words("--sidecar 0 " + options)) {
    const std::string line = instance.process.wait_for_line("sidecar of ");
    url = line.substr(line.rfind("http://"));
  }

  nlohmann::json calls() const { return instance.status()["calls"]; }
  int failures() const { return instance.breaker()["failures"]; }

  InstanceProcess instance;
  std::string url;  // http://127.0.0.1:PORT
};

}  // namespace cb
