// The upstream that fails on purpose. It does not know about circuit breakers.
#include <spdlog/spdlog.h>

#include <limits>

#include "program/command_line/options.hpp"
#include "program/http/http_server.hpp"
#include "program/log.hpp"
#include "program/stop_signal.hpp"
#include "unreliable_service/unreliable_service.hpp"

using unreliable::FaultPlan;

namespace {

constexpr size_t workers = 256;  // a hanging request holds one

struct Options {
  std::string listen = "127.0.0.1";
  int port = 9000;
  unreliable::Fault fault{.failure_rate = 0.6};
  std::string plan;
  int64_t seed = unreliable::any_seed();
};

void add_options(program::CommandLine& app, Options& options) {
  app.add_option("--listen", options.listen, "Address to listen on").type_name("ADDRESS");
  app.add_option("--port", options.port, "Port; 0 means any free port").range(0, 65535);
  app.add_option("--seed", options.seed, "The same seed gives the same sequence of faults; default: a random seed")
      .default_text("")
      .range(int64_t{0}, std::numeric_limits<int64_t>::max());
  auto rate =
      app.add_option("--failure-rate", options.fault.failure_rate, "Share of answers that are failures, 0 to 1");
  auto latency = app.add_duration("--latency", options.fault.latency, "How long an answer takes");
  app.add_option("--plan", options.plan, "Faults by time, such as \"healthy 4s, down 10s, flaky 0.6\"")
      .type_name("PLAN")
      .excludes(rate)
      .excludes(latency);
}

}  // namespace

int main(int argc, char** argv) {
  return program::run([&] {
    const program::StopSignal stop;
    program::CommandLine app{"A service that fails on purpose", "unreliable_service"};
    Options options;
    add_options(app, options);
    if (const auto exit_code = app.parse(argc, argv)) return *exit_code;
    program::set_up_log();
    const auto plan = app.is_given("--plan") ? FaultPlan(options.plan) : FaultPlan(options.fault);
    program::HttpServer server(workers);
    server.bind(options.listen, options.port);
    spdlog::info("unreliable_service: seed {}", options.seed);
    unreliable::UnreliableService service(plan, static_cast<uint64_t>(options.seed),
                                          [&stop] { return stop.requested(); });
    service.add_routes(server);
    server.serve_until(stop, "unreliable_service");
    return 0;
  });
}
