// `load_generator compare`: finished runs side by side, and a report of them.
#pragma once

#include <string>
#include <vector>

namespace load {

struct CompareOptions {
  std::vector<std::string> files;
  std::string html;  // empty: no report
};

// The exit code: 0 if every prediction of every run held, else 1.
int compare_command(const CompareOptions& options);

}  // namespace load
