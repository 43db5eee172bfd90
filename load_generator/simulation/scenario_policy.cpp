#include "load_generator/simulation/scenario_policy.hpp"

#include <stdexcept>

#include "distributed_breaker/resilience/call_policy_options.hpp"
#include "program/command_line/options.hpp"
#include "simple_breaker/options/policy_options.hpp"

namespace simulation {
namespace {

struct InstanceSettings {
  cb::Policy policy;
  cb::CallPolicy call_policy;
};

InstanceSettings settings_of(const load::Scenario& scenario, const load::Variant& variant) {
  InstanceSettings settings;
  program::CommandLine app;
  cb::add_policy_options(app, settings.policy);
  cb::add_call_policy_options(app, settings.call_policy);
  try {
    app.parse(load::options(load::changed(variant.breaker, variant.instance)));
    require_valid(settings.policy);
    require_valid(settings.call_policy);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(settings_source(scenario, variant) + ": " + error.what());
  }
  return settings;
}

}  // namespace

cb::Policy policy_of(const load::Scenario& scenario, const load::Variant& variant) {
  return settings_of(scenario, variant).policy;
}

cb::CallPolicy call_policy_of(const load::Scenario& scenario, const load::Variant& variant) {
  return settings_of(scenario, variant).call_policy;
}

}  // namespace simulation
