#include "load_generator/simulation/redis/virtual_redis.hpp"

#include <utility>

#include "load_generator/simulation/redis/server_state.hpp"

namespace simulation {

VirtualRedis::VirtualRedis(uint64_t run) : server_(std::make_unique<ServerState>()) { server_->run = run; }
VirtualRedis::~VirtualRedis() = default;
VirtualRedis::VirtualRedis(VirtualRedis&&) noexcept = default;
VirtualRedis& VirtualRedis::operator=(VirtualRedis&&) noexcept = default;

void VirtualRedis::restart(uint64_t run) {
  server_->run = run;
  server_->data.clear();
  server_->pushes.clear();
  server_->scripts.clear();
  server_->evicted_keys = server_->flushall_calls = server_->flushdb_calls = 0;
}

cb::redis::Reply VirtualRedis::execute(const std::vector<std::string>& command, cb::TimePoint now) {
  server_->now = now;
  const std::vector<std::string_view> arguments(command.begin(), command.end());
  ReplyTree tree;
  server_->call(arguments, tree);
  cb::redis::Reply reply(tree.release());
  reply.came_from({0, server_->run}, {});
  server_->push_written_keys();
  return reply;
}

void VirtualRedis::evict(const std::string& key) {
  if (!server_->remove(key)) return;
  ++server_->evicted_keys;
  server_->push_written_keys();
}

std::vector<Push> VirtualRedis::take_pushes() { return std::exchange(server_->pushes, {}); }
const Keyspace& VirtualRedis::data() const { return server_->data; }
void VirtualRedis::replace_data(Keyspace keys) { server_->replace_data(std::move(keys)); }
uint64_t VirtualRedis::scripts_run() const { return server_->scripts_run; }

std::vector<std::string> VirtualRedis::command_names() {
  std::vector<std::string> names;
  for (const auto& commands : {data_commands(), server_commands()}) {
    for (const Command& command : commands) names.emplace_back(command.name);
  }
  return names;
}

}  // namespace simulation
