// What the commands of a simulated Redis server have in common: their table, how they read arguments, and refusals.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "load_generator/simulation/redis/keyspace.hpp"
#include "load_generator/simulation/redis/reply_sink.hpp"

namespace simulation {

struct ServerState;

using Arguments = std::span<const std::string_view>;  // the first one is the command's name

struct Command {
  std::string_view name;
  int arity;  // as Redis counts: with the name; negative: at least so many
  void (*execute)(ServerState&, Arguments, ReplySink&);
  bool may_run_in_script = true;
};

std::span<const Command> data_commands();
std::span<const Command> server_commands();

// Thrown by a command, caught in ServerState::call(): the error reply.
struct Refusal {
  std::string error;
};

constexpr const char* syntax_error = "ERR syntax error";

bool is(std::string_view word, std::string_view upper);  // `upper` is in capitals
std::string lower(std::string_view upper);

// These throw a Refusal.
int64_t to_integer(std::string_view text);
double to_score(std::string_view text);
ScoreBound to_bound(std::string_view text);

std::string number_text(double number);  // as "%.17g"

}  // namespace simulation
