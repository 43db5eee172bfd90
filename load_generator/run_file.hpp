// What a run leaves on disk, as JSON: its figures, the predictions made of it, and enough detail to draw it.
// {"name","variant","question","measures":{..},"expectations":[{"measure","at_least","at_most","because"}], ...}
#pragma once

#include <string>
#include <vector>

#include "load_generator/expectation.hpp"
#include "load_generator/measures.hpp"
#include "load_generator/run.hpp"

namespace load {

// The part of the file that `compare` reads.
struct Summary {
  std::string name;     // outage
  std::string variant;  // redis, redis-quorum
  std::string question;
  Measures measures;
  std::vector<Expectation> expectations;
};

// Makes the folder where needed. Throws std::runtime_error naming the path where it cannot be written.
void write_run_file(const std::string& path, const Summary& summary, const Run& run);

// Throws std::invalid_argument naming file and field.
Summary read_run_file(const std::string& path);

}  // namespace load
