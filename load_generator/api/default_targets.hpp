// The addresses at which the launchers start the instances and the upstream.
#pragma once

#include <string>
#include <vector>

namespace load {

inline const std::vector<std::string> default_targets{"http://127.0.0.1:8001", "http://127.0.0.1:8002",
                                                      "http://127.0.0.1:8003"};
constexpr const char* default_upstream = "http://127.0.0.1:9000";

}  // namespace load
