#include "load_generator/record/unreachable.hpp"

namespace load {

std::map<std::pair<size_t, std::string>, uint64_t> unreachable_calls(const Run& run) {
  std::map<std::pair<size_t, std::string>, uint64_t> counts;
  for (const Call& call : run.calls) {
    if (call.status == CallStatus::unreachable) ++counts[{call.target, call.error}];
  }
  return counts;
}

}  // namespace load
