#include "load_generator/scenario/variant.hpp"

#include <algorithm>
#include <map>

namespace load {
namespace {

constexpr size_t longest_name = 40;
constexpr size_t longest_text = 200;
constexpr size_t most_expectations = 50;

using Known = std::map<std::string, Variant>;  // by name

const std::vector<std::string>& stage_names() {
  static const std::vector<std::string> names{"simple", "distributed", "redis", "naive", "store"};
  return names;
}

Stage stage_from(const std::string& name) {
  const auto& names = stage_names();
  return static_cast<Stage>(std::find(names.begin(), names.end(), name) - names.begin());
}

// A variant's name becomes part of a file's name.
bool is_name(const std::string& name) {
  const auto fits = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-';
  };
  return !name.empty() && name.size() <= longest_name && std::all_of(name.begin(), name.end(), fits);
}

ManualOverride read_override(StrictObject entry) {
  ManualOverride read{entry.text("mode", longest_text), entry.text("actor", longest_text),
                      entry.text("reason", longest_text)};
  entry.done();
  return read;
}

const std::vector<std::string>& proxy_names() {
  static const std::vector<std::string> names{"haproxy", "nginx", "sidecar"};
  return names;
}

// A file beside the scenario's.
std::string read_file_name(StrictObject& entry, const std::string& field) {
  std::string name = entry.text(field, longest_name);
  if (name.find('/') != std::string::npos) entry.complain(field, "without a slash: a file beside this one");
  return name;
}

Proxy read_proxy(StrictObject entry) {
  Proxy proxy;
  const std::string program = entry.one_of("program", proxy_names());
  const auto found = std::find(proxy_names().begin(), proxy_names().end(), program);
  proxy.program = static_cast<Proxy::Program>(found - proxy_names().begin());
  if (proxy.program != Proxy::Program::sidecar) proxy.settings = read_file_name(entry, "settings");
  proxy.one_for_all = entry.one_of("one_for", {"each", "all"}) == "all";
  entry.done();
  return proxy;
}

void change(Variant& variant, StrictObject& entry, const FaultLimits& limits) {
  if (entry.has("breaker")) variant.breaker = changed(variant.breaker, read_settings(entry.object("breaker")));
  if (entry.has("instance")) variant.instance = changed(variant.instance, read_settings(entry.object("instance")));
  if (entry.has("override")) variant.manual_override = read_override(entry.object("override"));
  if (entry.has("faults")) variant.faults = read_faults(entry, limits);
}

Known each_stage(const Variant& common) {
  Known known;
  for (const std::string& name : stage_names()) {
    Variant& variant = known[name] = common;
    variant.name = name;
    variant.stage = stage_from(name);
  }
  return known;
}

Variant read_variant(StrictObject entry, const std::string& name, const Known& stages, const FaultLimits& limits) {
  Variant variant = stages.at(entry.one_of("stage", stage_names()));
  variant.name = name;
  change(variant, entry, limits);
  if (entry.has("proxy")) {
    if (variant.stage != Stage::distributed) entry.complain("proxy", "absent, unless the stage is distributed");
    variant.proxy = read_proxy(entry.object("proxy"));
    variant.manual_override = {"disabled", "scenario", "the proxy decides"};
  }
  entry.done();
  return variant;
}

Known read_known(StrictObject& document, const FaultLimits& limits) {
  Variant common;
  change(common, document, limits);
  const Known stages = each_stage(common);
  Known known = stages;
  if (!document.has("variants")) return known;
  StrictObject variants = document.object("variants");
  for (const std::string& name : variants.fields()) {
    if (!is_name(name)) variants.complain(name, "named with up to 40 of a-z 0-9 -");
    if (stages.contains(name)) variants.complain(name, "called something else: a stage has that name");
    known[name] = read_variant(variants.object(name), name, stages, limits);
  }
  return known;
}

void require_all_expected(StrictObject& document, const StrictObject& expect) {
  if (!document.has("variants")) return;
  const StrictObject variants = document.object("variants");
  for (const std::string& name : variants.fields()) {
    if (!expect.has(name)) variants.complain(name, "in expect too; else it would never run");
  }
}

std::vector<Expectation> read_expectations(StrictObject& expect, const std::string& name) {
  std::vector<Expectation> expectations;
  for (StrictObject& item : expect.list(name, most_expectations)) {
    expectations.push_back(read_expectation(item));
    item.done();
  }
  return expectations;
}

}  // namespace

std::string_view to_text(Stage stage) { return stage_names().at(static_cast<size_t>(stage)); }

Faults effective_faults(const Variant& variant) {
  Faults faults = variant.faults;
  if (variant.stage == Stage::simple) return {};
  if (variant.stage == Stage::distributed) faults.redis.clear();
  return faults;
}

std::string_view to_text(Proxy::Program program) { return proxy_names().at(static_cast<size_t>(program)); }

std::vector<Variant> read_variants(StrictObject& document, const FaultLimits& limits) {
  Known known = read_known(document, limits);
  StrictObject expect = document.object("expect");
  require_all_expected(document, expect);
  std::vector<Variant> variants;
  for (const std::string& name : expect.fields()) {
    const auto found = known.find(name);
    if (found == known.end()) continue;  // done() complains about it
    found->second.expectations = read_expectations(expect, name);
    found->second.watched_by_sentinels = need_sentinels(found->second.faults.redis);
    variants.push_back(found->second);
  }
  expect.done();
  return variants;
}

}  // namespace load
