#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "load_generator/simulation/redis/server_state.hpp"

namespace simulation {
namespace {

std::string hex_run_id(uint64_t run) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64 "%024d", run, 0);
  return text.data();
}

std::string command_stat(const std::string& name, uint64_t calls) {
  return calls == 0 ? "" : "cmdstat_" + name + ":calls=" + std::to_string(calls) + ",usec=0\r\n";
}

// --- scripts

const LuaScripts::Script& load_script(ServerState& server, std::string_view source) {
  const auto loaded = LuaScripts::of_this_thread().load(source);
  if (const auto* error = std::get_if<std::string>(&loaded)) throw Refusal{*error};
  const auto& script = *std::get<const LuaScripts::Script*>(loaded);
  server.scripts[script.sha1] = &script;
  return script;
}

void run_script(ServerState& server, const LuaScripts::Script& script, Arguments command, ReplySink& reply) {
  const int64_t keys = to_integer(command[2]);
  const auto values = command.subspan(3);
  if (keys > static_cast<int64_t>(values.size())) {
    throw Refusal{"ERR Number of keys can't be greater than number of args"};
  }
  if (keys < 0) throw Refusal{"ERR Number of keys can't be negative"};
  const auto count = static_cast<size_t>(keys);
  ++server.scripts_run;
  server.is_in_script = true;
  LuaScripts::of_this_thread().run(script, values.first(count), values.subspan(count), server, reply);
  server.is_in_script = false;
}

void eval(ServerState& server, Arguments command, ReplySink& reply) {
  return run_script(server, load_script(server, command[1]), command, reply);
}

void evalsha(ServerState& server, Arguments command, ReplySink& reply) {
  const auto script = server.scripts.find(lower(command[1]));
  if (script == server.scripts.end()) throw Refusal{"NOSCRIPT No matching script. Please use EVAL."};
  return run_script(server, *script->second, command, reply);
}

void script(ServerState& server, Arguments command, ReplySink& reply) {
  if (is(command[1], "LOAD") && command.size() == 3) return reply.text(load_script(server, command[2]).sha1);
  if (!is(command[1], "FLUSH")) throw Refusal{"ERR unknown subcommand '" + std::string(command[1]) + "'"};
  server.scripts.clear();
  return reply.status("OK");
}

// --- the server

void time(ServerState& server, Arguments, ReplySink& reply) {
  const int64_t microseconds = server.now.time_since_epoch().count();
  reply.list(2);
  reply.text(std::to_string(microseconds / 1'000'000));
  reply.text(std::to_string(microseconds % 1'000'000));
}

std::string lines_of(const ServerState& server, std::string_view section) {
  if (section == "SERVER") return "# Server\r\nredis_version:7.0.15\r\nrun_id:" + hex_run_id(server.run) + "\r\n";
  if (section == "MEMORY") return "# Memory\r\nmaxmemory_policy:noeviction\r\n";
  if (section == "STATS") return "# Stats\r\nevicted_keys:" + std::to_string(server.evicted_keys) + "\r\n";
  return "# Commandstats\r\n" + command_stat("flushall", server.flushall_calls) +
         command_stat("flushdb", server.flushdb_calls);
}

void info(ServerState& server, Arguments command, ReplySink& reply) {
  const auto wanted = command.subspan(1);
  std::string text;
  for (const std::string_view section : {"SERVER", "MEMORY", "STATS", "COMMANDSTATS"}) {
    const auto is_named = [section](std::string_view word) { return is(word, section); };
    if (!wanted.empty() && std::none_of(wanted.begin(), wanted.end(), is_named)) continue;
    text += (text.empty() ? "" : "\r\n") + lines_of(server, section);
  }
  return reply.text(text);
}

void publish(ServerState& server, Arguments command, ReplySink& reply) {
  server.pushes.push_back({Push::Kind::message, std::string(command[1]), std::string(command[2])});
  return reply.integer(0);
}

void ping(ServerState&, Arguments command, ReplySink& reply) {
  return command.size() == 1 ? reply.status("PONG") : reply.text(command[1]);
}

void config(ServerState& server, Arguments command, ReplySink& reply) {
  if (!is(command[1], "RESETSTAT")) throw Refusal{"ERR unknown subcommand '" + std::string(command[1]) + "'"};
  server.evicted_keys = server.flushall_calls = server.flushdb_calls = 0;
  return reply.status("OK");
}

void flush(ServerState& server, Arguments command, uint64_t& calls, ReplySink& reply) {
  const bool has_mode = command.size() == 2 && (is(command[1], "SYNC") || is(command[1], "ASYNC"));
  if (command.size() > 1 && !has_mode) throw Refusal{syntax_error};
  ++calls;
  server.replace_data({});
  return reply.status("OK");
}

void flushall(ServerState& server, Arguments command, ReplySink& reply) {
  return flush(server, command, server.flushall_calls, reply);
}
void flushdb(ServerState& server, Arguments command, ReplySink& reply) {
  return flush(server, command, server.flushdb_calls, reply);
}

}  // namespace

std::span<const Command> server_commands() {
  static constexpr std::array<Command, 10> all{{
      {"TIME", 1, time},
      {"INFO", -1, info},
      {"PUBLISH", 3, publish},
      {"EVAL", -3, eval, false},
      {"EVALSHA", -3, evalsha, false},
      {"SCRIPT", -2, script, false},
      {"FLUSHALL", -1, flushall},
      {"FLUSHDB", -1, flushdb},
      {"PING", -1, ping},
      {"CONFIG", -2, config, false},
  }};
  return all;
}

}  // namespace simulation
