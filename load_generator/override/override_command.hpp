// `load_generator override`: applies a manual override to the breakers of running instances, or shows how each instance
// sees its breaker. It asks one instance after the other, each with a deadline of 5 s. The command names an instance
// that does not answer on standard error, and still asks the others. Instances that share their breaker get the
// override once: the first that takes it answers for all. Errors: std::invalid_argument where an option makes no sense;
// no instance has been asked then.
#pragma once

#include "load_generator/override/override_request.hpp"

namespace load {

// 0, or 1 where an instance gave no good answer (and none that did answers for all).
int override_command(const OverrideOptions& options);

}  // namespace load
