#include "simple_breaker/options/policy_options.hpp"

#include "simple_breaker/options/setting_options.hpp"

namespace cb {

void add_policy_options(program::CommandLine& app, Policy& policy) { add_settings(app, policy, settings()); }

}  // namespace cb
