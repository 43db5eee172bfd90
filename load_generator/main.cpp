// The options of load_generator; each command is in its own room.
#include <stdexcept>
#include <string>

#include "load_generator/chaos/chaos_command.hpp"
#include "load_generator/control_room/ui_command.hpp"
#include "load_generator/experiment/scenario_command.hpp"
#include "load_generator/load/load_sender.hpp"
#include "load_generator/override/override_command.hpp"
#include "load_generator/override/reset_command.hpp"
#include "load_generator/report/compare_command.hpp"
#include "load_generator/report/run_command.hpp"
#include "load_generator/simulation/simulate_command.hpp"
#include "load_generator/terminal/watch_command.hpp"
#include "program/address.hpp"
#include "program/command_line/options.hpp"

namespace {

std::string in_one_form(const std::string& address) { return cb::net::http_address("the address", address); }

program::Option add_targets(program::CommandLine& app, std::vector<std::string>& targets) {
  return app.add_option("--targets", targets, "Instances to call, separated by commas")
      .separated_by(',')
      .at_most(26)
      .transform(in_one_form)
      .type_name("URLS")
      .default_text("ports 8001 to 8003 of 127.0.0.1");
}

program::Option add_upstream(program::CommandLine& app, std::string& upstream) {
  return app.add_option("--upstream", upstream, "Upstream whose ledger is read")
      .transform(in_one_form)
      .type_name("URL");
}

void add_run_options(program::CommandLine& app, load::RunOptions& options) {
  app.group("A run, without a command");
  add_targets(app, options.targets);
  add_upstream(app, options.upstream);
  app.add_option("--rate", options.load.rate, "Calls per second, over all targets").range(0.1, 10'000.0);
  app.add_duration("--duration", options.load.duration, "How long to send");
  app.add_choice("--arrivals", options.load.arrivals, {"uniform", "poisson"},
                 {load::Arrivals::uniform, load::Arrivals::poisson},
                 "uniform, or poisson: as from independent callers");
  app.add_option("--seed", options.load.seed, "Seed of the poisson arrivals");
  app.add_option("--out", options.out, "File to write the run to, for compare").type_name("FILE");
  app.add_option("--ui", options.ui_port, "Port for a page that shows the run and stays until Ctrl-C; 0: a free one")
      .range(0, 65535)
      .type_name("PORT");
  app.group("");  // commands inherit it
}

program::CommandLine add_ui_command(program::CommandLine& app, load::UiOptions& options) {
  program::CommandLine command = app.add_command("ui", "Show instances live on a page with controls to inject faults");
  command.add_option("--port", options.port, "Port on 127.0.0.1; 0 takes a free one").range(0, 65535);
  auto targets = add_targets(command, options.targets);
  auto upstream = add_upstream(command, options.upstream);
  command.add_option("--rate", options.rate, "Calls per second over all instances, at the start")
      .range(0.0, load::LoadSender::highest_rate);
  auto stage = command.add_choice("--stage", options.stage, {"distributed", "redis"},
                                  "Start a fleet of this stage, which ends with the page");
  stage.excludes(targets).excludes(upstream);
  command.add_option("--instances", options.instances, "Number of instances of that fleet").range(1, 26).needs(stage);
  return command;
}

void add_details(program::CommandLine& app, load::Detail& detail) {
  app.add_flag(
      "--details", [&detail] { detail = load::Detail::everything; },
      "Also every measure and every expectation, in tables; without it: a picture, and what did not hold");
}

program::CommandLine add_scenario_command(program::CommandLine& app, load::ScenarioOptions& options) {
  program::CommandLine command = app.add_command("scenario", "Run an experiment with private programs, and judge it");
  command.add_option("scenario", options.scenario, "Name of a shipped scenario, or a file").required();
  add_details(command, options.detail);
  auto stage = command.add_option("--stage", options.variant,
                                  "Stage or variant to run, with its whole report; default: all, side by side");
  stage.type_name("NAME");
  command
      .add_option("--out", options.out, "File to write the run to; default: runs/NAME-VARIANT.json beside the binaries")
      .type_name("FILE")
      .needs(stage);
  return command;
}

program::CommandLine add_compare_command(program::CommandLine& app, load::CompareOptions& options) {
  program::CommandLine command =
      app.add_command("compare", "Print runs side by side; exits with 0 only if every prediction held");
  command.add_option("files", options.files, "Files written by --out or scenario").required();
  command.add_option("--html", options.html, "File to write a self-contained HTML report to").type_name("FILE");
  return command;
}

program::CommandLine add_chaos_command(program::CommandLine& app, load::ChaosOptions& options) {
  program::CommandLine command = app.add_command(
      "chaos", "Inject faults into Redis, instances and upstream at random, and check that all invariants hold");
  load::ChaosSettings& settings = options.settings;
  command.add_duration("--duration", settings.duration, "How long to inject faults, 10s to 1h; then all recover");
  command.add_option("--seed", settings.seed, "The same seed injects the same faults")
      .range(uint64_t{0}, uint64_t{1'000'000'000});
  command.add_option("--instances", settings.instances, "Number of instances").range(1, 26);
  command.add_option("--rate", settings.rate, "Calls per second, over all instances").range(0.1, 10'000.0);
  command.add_duration("--slack", settings.slack, "Added to every deadline, for a busy machine");
  command.add_flag("--sentinel", settings.sentinel, "A Redis that Sentinels watch; its faults are failovers");
  command
      .add_option("--out", options.out,
                  "File to write the history to; default: runs/chaos-SEED.json beside the binaries")
      .type_name("FILE");
  return command;
}

program::CommandLine add_simulate_command(program::CommandLine& app, load::SimulateOptions& options) {
  program::CommandLine command =
      app.add_command("simulate", "Play an experiment in virtual time, with any number of instances");
  command
      .add_option("scenario", options.scenarios, "Names of shipped scenarios, or files; or all, border, chaos, scale")
      .required();
  add_details(command, options.detail);
  command.add_option("--hours", options.hours, "chaos: how long a fleet lives");
  command.add_option("--until", options.trace_seconds,
                     "chaos: show the life of --seed event by event, so many seconds");
  command
      .add_option("--instances", options.instances,
                  "Number of instances; the load grows with it, so that each gets as many calls. Default: the file's")
      .default_text("")
      .range(1, 1'000'000);
  command.add_option("--seed", options.seed, "The same seed gives the same run")
      .range(uint64_t{0}, uint64_t{1'000'000'000});
  command.add_option("--set", options.settings, "Another value of a breaker's setting, as in --set failure_threshold=5")
      .type_name("NAME=VALUE")
      .one_at_a_time();
  command.add_option("--designs", options.designs, "Stages or variants to play, separated by commas; default: all")
      .separated_by(',')
      .type_name("NAMES");
  auto seeds = command.add_option("--seeds", options.seeds,
                                  "More than one: each measure over so many seeds, beside the last real run");
  seeds.range(1, 100'000);
  command
      .add_flag("--against-real", options.against_real,
                "Judge the last real runs by these seeds: their counts must lie in the range of all seeds, or near it")
      .needs(seeds);
  return command;
}

program::CommandLine add_watch_command(program::CommandLine& app, load::WatchOptions& options) {
  program::CommandLine command = app.add_command("watch", "Show the instances' breakers live in this terminal");
  add_targets(command, options.targets);
  add_upstream(command, options.upstream);
  return command;
}

program::CommandLine add_override_command(program::CommandLine& app, load::OverrideOptions& options) {
  program::CommandLine command =
      app.add_command("override", "Control breakers by hand: at every instance, until `auto`");
  command.add_option("COMMAND", options.command, "One of the commands below").required().type_name("");
  command.add_option("--reason", options.reason, "Why");
  command.add_option("--actor", options.actor, "Who; by default the user");
  command.add_option("--for", options.duration, "How long the override holds; by default until `auto`")
      .type_name("DURATION");
  command.add_option("--tenant", options.tenant, "Whose breaker; by default the common one");
  command.add_option("--instance", options.instances, "An instance's URL; repeat the option for several")
      .type_name("URL")
      .one_at_a_time()
      .default_text("ports 8001 to 8003 of 127.0.0.1");
  command.add_option("--token-file", options.token_file, "Its first line is the token that the instances want")
      .type_name("FILE");
  command.footer(
      "Commands:\n"
      "  status        show how each instance sees its breaker\n"
      "  force-open    reject every call\n"
      "  force-close   admit every call, whatever its outcome\n"
      "  disable       admit every call and count nothing\n"
      "  metrics-only  admit every call, count, and report when it would have opened\n"
      "  auto          end the override\n"
      "  reset         end the override, forget all counts, and close the circuit");
  return command;
}

program::CommandLine add_reset_command(program::CommandLine& app, load::ResetOptions& options) {
  program::CommandLine command =
      app.add_command("reset", "Reset a shared breaker: delete its keys in the Redis of REDIS_URL");
  command.add_option("NAME", options.name, "The breaker's name; a tenant's is unreliable_service@TENANT").type_name("");
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  return program::run([&] {
    program::CommandLine app{"Sends load to instances, measures what comes back, and compares runs", "load_generator"};
    load::RunOptions run;
    load::ScenarioOptions scenario;
    load::ChaosOptions chaos;
    load::SimulateOptions simulate;
    load::UiOptions ui;
    load::CompareOptions compare;
    load::WatchOptions watch;
    load::OverrideOptions override_options;
    load::ResetOptions reset;
    add_run_options(app, run);
    const program::CommandLine scenario_command = add_scenario_command(app, scenario);
    const program::CommandLine compare_command = add_compare_command(app, compare);
    const program::CommandLine chaos_command = add_chaos_command(app, chaos);
    const program::CommandLine simulate_command = add_simulate_command(app, simulate);
    const program::CommandLine ui_command = add_ui_command(app, ui);
    const program::CommandLine watch_command = add_watch_command(app, watch);
    const program::CommandLine override_command = add_override_command(app, override_options);
    const program::CommandLine reset_command = add_reset_command(app, reset);
    if (const auto exit_code = app.parse(argc, argv)) return *exit_code;
    // These two only wait for an answer: a signal may end them at any time.
    if (override_command.is_chosen()) return load::override_command(override_options);
    if (reset_command.is_chosen()) return load::reset_command(reset);
    const program::StopSignal stop;
    if (scenario_command.is_chosen()) return load::scenario_command(scenario, stop);
    if (compare_command.is_chosen()) return load::compare_command(compare);
    if (simulate_command.is_chosen()) return load::simulate_command(simulate, stop);
    if (chaos_command.is_chosen()) return load::chaos_command(chaos, stop);
    if (ui_command.is_chosen()) return load::ui_command(ui, stop);
    if (watch_command.is_chosen()) return load::watch_command(watch, stop);
    if (run.ui_port) return load::run_with_page_command(run, stop);
    load::RunObserver none;
    return load::run_command(run, stop, none);
  });
}
