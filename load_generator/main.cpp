// The options of load_generator; each command is in its own room.
#include <CLI/CLI.hpp>
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
#include "program/options.hpp"

namespace {

// Puts an address into its one form.
const CLI::Validator http_address(
    [](std::string& text) -> std::string {
      try {
        text = cb::net::http_address("the address", text);
        return "";
      } catch (const std::invalid_argument& error) {
        return error.what();
      }
    },
    "");

CLI::Option* add_targets(CLI::App& app, std::vector<std::string>& targets) {
  return app.add_option("--targets", targets, "Instances to call, separated by commas")
      ->delimiter(',')
      ->expected(1, 26)
      ->transform(http_address)
      ->type_name("URLS")
      ->default_str("ports 8001 to 8003 of 127.0.0.1");
}

CLI::Option* add_upstream(CLI::App& app, std::string& upstream) {
  return app.add_option("--upstream", upstream, "Upstream whose ledger is read")
      ->transform(http_address)
      ->type_name("URL")
      ->capture_default_str();
}

void add_run_options(CLI::App& app, load::RunOptions& options) {
  app.option_defaults()->group("A run, without a command");
  add_targets(app, options.targets);
  add_upstream(app, options.upstream);
  app.add_option("--rate", options.load.rate, "Calls per second, over all targets")
      ->check(CLI::Range(0.1, 10'000.0))
      ->capture_default_str();
  program::add_duration(app, "--duration", options.load.duration, "How long to send");
  program::add_choice(app, "--arrivals", options.load.arrivals, {"uniform", "poisson"},
                      {load::Arrivals::uniform, load::Arrivals::poisson},
                      "uniform, or poisson: as from independent callers");
  app.add_option("--seed", options.load.seed, "Seed of the poisson arrivals")->capture_default_str();
  app.add_option("--out", options.out, "File to write the run to, for compare")->type_name("FILE");
  app.add_option("--ui", options.ui_port, "Port for a page that shows the run and stays until Ctrl-C; 0: a free one")
      ->check(CLI::Range(0, 65535))
      ->type_name("PORT");
  app.option_defaults()->group(app.get_help_ptr()->get_group());  // commands inherit it
}

CLI::App* add_ui_command(CLI::App& app, load::UiOptions& options) {
  CLI::App* command = app.add_subcommand("ui", "Show instances live on a page with controls to inject faults");
  command->add_option("--port", options.port, "Port on 127.0.0.1; 0 takes a free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  auto* targets = add_targets(*command, options.targets);
  auto* upstream = add_upstream(*command, options.upstream);
  command->add_option("--rate", options.rate, "Calls per second over all instances, at the start")
      ->check(CLI::Range(0.0, load::LoadSender::highest_rate))
      ->capture_default_str();
  auto* stage = program::add_choice(*command, "--stage", options.stage, {"distributed", "redis"},
                                    "Start a fleet of this stage, which ends with the page");
  stage->excludes(targets)->excludes(upstream);
  command->add_option("--instances", options.instances, "Number of instances of that fleet")
      ->check(CLI::Range(1, 26))
      ->needs(stage)
      ->capture_default_str();
  return command;
}

void add_details(CLI::App& app, load::Detail& detail) {
  app.add_flag_callback(
      "--details", [&detail] { detail = load::Detail::everything; },
      "Also every measure and every expectation, in tables; without it: a picture, and what did not hold");
}

CLI::App* add_scenario_command(CLI::App& app, load::ScenarioOptions& options) {
  CLI::App* command = app.add_subcommand("scenario", "Run an experiment with private programs, and judge it");
  command->add_option("scenario", options.scenario, "Name of a shipped scenario, or a file")->required();
  add_details(*command, options.detail);
  auto* stage = command->add_option("--stage", options.variant,
                                    "Stage or variant to run, with its whole report; default: all, side by side");
  stage->type_name("NAME");
  command
      ->add_option("--out", options.out,
                   "File to write the run to; default: runs/NAME-VARIANT.json beside the binaries")
      ->type_name("FILE")
      ->needs(stage);
  return command;
}

CLI::App* add_compare_command(CLI::App& app, load::CompareOptions& options) {
  CLI::App* command =
      app.add_subcommand("compare", "Print runs side by side; exits with 0 only if every prediction held");
  command->add_option("files", options.files, "Files written by --out or scenario")->required();
  command->add_option("--html", options.html, "File to write a self-contained HTML report to")->type_name("FILE");
  return command;
}

CLI::App* add_chaos_command(CLI::App& app, load::ChaosOptions& options) {
  CLI::App* command = app.add_subcommand(
      "chaos", "Inject faults into Redis, instances and upstream at random, and check that all invariants hold");
  load::ChaosSettings& settings = options.settings;
  program::add_duration(*command, "--duration", settings.duration,
                        "How long to inject faults, 10s to 1h; then all recover");
  command->add_option("--seed", settings.seed, "The same seed injects the same faults")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1'000'000'000}))
      ->capture_default_str();
  command->add_option("--instances", settings.instances, "Number of instances")
      ->check(CLI::Range(1, 26))
      ->capture_default_str();
  command->add_option("--rate", settings.rate, "Calls per second, over all instances")
      ->check(CLI::Range(0.1, 10'000.0))
      ->capture_default_str();
  program::add_duration(*command, "--slack", settings.slack, "Added to every deadline, for a busy machine");
  command->add_flag("--sentinel", settings.sentinel, "A Redis that Sentinels watch; its faults are failovers");
  command
      ->add_option("--out", options.out,
                   "File to write the history to; default: runs/chaos-SEED.json beside the binaries")
      ->type_name("FILE");
  return command;
}

CLI::App* add_simulate_command(CLI::App& app, load::SimulateOptions& options) {
  CLI::App* command =
      app.add_subcommand("simulate", "Play an experiment in virtual time, with any number of instances");
  command
      ->add_option("scenario", options.scenarios, "Names of shipped scenarios, or files; or all, border, chaos, scale")
      ->required();
  add_details(*command, options.detail);
  command->add_option("--hours", options.hours, "chaos: how long a fleet lives")->capture_default_str();
  command->add_option("--until", options.trace_seconds,
                      "chaos: show the life of --seed event by event, so many seconds");
  command
      ->add_option("--instances", options.instances,
                   "Number of instances; the load grows with it, so that each gets as many calls. Default: the file's")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--seed", options.seed, "The same seed gives the same run")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1'000'000'000}))
      ->capture_default_str();
  command
      ->add_option("--set", options.settings, "Another value of a breaker's setting, as in --set failure_threshold=5")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("--designs", options.designs, "Stages or variants to play, separated by commas; default: all")
      ->delimiter(',')
      ->type_name("NAMES");
  auto* seeds = command->add_option("--seeds", options.seeds,
                                    "More than one: each measure over so many seeds, beside the last real run");
  seeds->check(CLI::Range(1, 100'000))->capture_default_str();
  command
      ->add_flag("--against-real", options.against_real,
                 "Judge the last real runs by these seeds: their counts must lie in the range of all seeds, or near it")
      ->needs(seeds);
  return command;
}

CLI::App* add_watch_command(CLI::App& app, load::WatchOptions& options) {
  CLI::App* command = app.add_subcommand("watch", "Show the instances' breakers live in this terminal");
  add_targets(*command, options.targets);
  add_upstream(*command, options.upstream);
  return command;
}

CLI::App* add_override_command(CLI::App& app, load::OverrideOptions& options) {
  CLI::App* command = app.add_subcommand("override", "Control breakers by hand: at every instance, until `auto`");
  command->add_option("COMMAND", options.command, "One of the commands below")->required()->type_name("");
  command->add_option("--reason", options.reason, "Why")->capture_default_str();
  command->add_option("--actor", options.actor, "Who; by default the user");
  command->add_option("--for", options.duration, "How long the override holds; by default until `auto`")
      ->type_name("DURATION");
  command->add_option("--tenant", options.tenant, "Whose breaker; by default the common one");
  command->add_option("--instance", options.instances, "An instance's URL; repeat the option for several")
      ->type_name("URL")
      ->allow_extra_args(false)
      ->default_str("ports 8001 to 8003 of 127.0.0.1");
  command->add_option("--token-file", options.token_file, "Its first line is the token that the instances want")
      ->type_name("FILE");
  command->footer(
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

CLI::App* add_reset_command(CLI::App& app, load::ResetOptions& options) {
  CLI::App* command = app.add_subcommand("reset", "Reset a shared breaker: delete its keys in the Redis of REDIS_URL");
  command->add_option("NAME", options.name, "The breaker's name; a tenant's is unreliable_service@TENANT")
      ->type_name("")
      ->capture_default_str();
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  return program::run([&] {
    CLI::App app{"Sends load to instances, measures what comes back, and compares runs", "load_generator"};
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
    const CLI::App* scenario_command = add_scenario_command(app, scenario);
    const CLI::App* compare_command = add_compare_command(app, compare);
    const CLI::App* chaos_command = add_chaos_command(app, chaos);
    const CLI::App* simulate_command = add_simulate_command(app, simulate);
    const CLI::App* ui_command = add_ui_command(app, ui);
    const CLI::App* watch_command = add_watch_command(app, watch);
    const CLI::App* override_command = add_override_command(app, override_options);
    const CLI::App* reset_command = add_reset_command(app, reset);
    app.require_subcommand(0, 1);
    if (const auto exit_code = program::parse(app, argc, argv)) return *exit_code;
    // These two only wait for an answer: a signal may end them at any time.
    if (override_command->parsed()) return load::override_command(override_options);
    if (reset_command->parsed()) return load::reset_command(reset);
    const program::StopSignal stop;
    if (scenario_command->parsed()) return load::scenario_command(scenario, stop);
    if (compare_command->parsed()) return load::compare_command(compare);
    if (simulate_command->parsed()) return load::simulate_command(simulate, stop);
    if (chaos_command->parsed()) return load::chaos_command(chaos, stop);
    if (ui_command->parsed()) return load::ui_command(ui, stop);
    if (watch_command->parsed()) return load::watch_command(watch, stop);
    if (run.ui_port) return load::run_with_page_command(run, stop);
    load::RunObserver none;
    return load::run_command(run, stop, none);
  });
}
