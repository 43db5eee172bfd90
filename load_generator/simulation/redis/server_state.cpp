#include "load_generator/simulation/redis/server_state.hpp"

#include <algorithm>
#include <utility>

namespace simulation {
namespace {

const Command* find_command(std::string_view name) {
  for (const auto& commands : {data_commands(), server_commands()}) {
    for (const Command& command : commands) {
      if (is(name, command.name)) return &command;
    }
  }
  return nullptr;
}

}  // namespace

void ServerState::call(Arguments arguments, ReplySink& reply) {
  const std::string_view name = arguments.empty() ? "" : arguments[0];
  const Command* const command = find_command(name);
  if (command == nullptr) return reply.error("ERR unknown command '" + std::string(name) + "'");
  const auto count = static_cast<int>(arguments.size());
  if (command->arity >= 0 ? count != command->arity : count < -command->arity) {
    return reply.error("ERR wrong number of arguments for '" + lower(command->name) + "' command");
  }
  if (is_in_script && !command->may_run_in_script) {
    return reply.error("ERR This Redis command is not allowed from script");
  }
  try {
    command->execute(*this, arguments, reply);
  } catch (const Refusal& refusal) {
    reply.error(refusal.error);
  }
}

int64_t ServerState::now_ms() const {
  return std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count();
}

Entry* ServerState::find(std::string_view key) {
  const auto found = data.find(key);
  if (found == data.end()) return nullptr;
  const bool has_expired = found->second.expires_at_ms && now_ms() > *found->second.expires_at_ms;
  if (has_expired) remove(key);
  return has_expired ? nullptr : &found->second;
}

bool ServerState::remove(std::string_view key) {
  const auto found = data.find(key);
  if (found == data.end()) return false;
  data.erase(found);
  announce(key);
  return true;
}

void ServerState::push_written_keys() {
  for (const std::string& key : written) pushes.push_back({Push::Kind::key_written, key});
  written.clear();
}

void ServerState::replace_data(Keyspace keys) {
  data = std::move(keys);
  pushes.push_back({Push::Kind::all_keys});
}

}  // namespace simulation
