#include "load_generator/simulation/redis_service.hpp"

#include <algorithm>
#include <utility>

namespace simulation {
namespace {

Announcement announcement_of(const std::vector<Push>& pushes) {
  Announcement what;
  for (const Push& push : pushes) {
    if (push.kind == Push::Kind::all_keys) what.all_keys = true;
    if (push.kind == Push::Kind::key_written) {
      if (cb::WrittenKey written = cb::parse_key(push.key_or_channel); is_watched(written))
        what.keys.push_back(std::move(written));
    }
    if (push.kind == Push::Kind::message) what.news = cb::parse_news(push.text).second;
  }
  return what;
}

RedisService::Reply failed(const char* error) {
  return std::make_shared<cb::redis::Reply>(cb::redis::Reply::failed(error));
}

}  // namespace

RedisService::RedisService(EventLoop& loop, Network& network, uint64_t seed, const RedisCosts& costs)
    : loop_(loop), network_(network), costs_(costs), random_(seed) {
  for (Server& server : servers_) start(server);
}

void RedisService::start(Server& server) {
  server.run = random_.next() >> 1 | 1;
  if (server.redis) {
    server.redis->restart(server.run);
  } else {
    server.redis = std::make_unique<VirtualRedis>(server.run);
  }
  server.is_up = true;
  server.is_paused = false;
  server.is_busy = false;
  drop_queue(server);
}

// What waits there finds that its server is gone.
void RedisService::drop_queue(Server& server) {
  for (const EventLoop::Sleeper& each : std::exchange(server.queue, {})) loop_.wake_at(loop_.now(), each);
}

uint64_t RedisService::scripts_run() const {
  uint64_t scripts = 0;
  for (const Server& server : servers_) scripts += server.redis->scripts_run();
  return scripts;
}

// Then the next request has its turn.
void RedisService::end_turn(Server& server, microseconds after) {
  loop_.after(after, [this, &server, run = server.run] {
    if (server.run != run) return;
    server.is_busy = false;
    run_next(server);
  });
}

void RedisService::run_next(Server& server) {
  if (server.is_busy || server.is_paused || server.queue.empty()) return;
  server.is_busy = true;
  loop_.wake_at(loop_.now(), server.queue.front());
  server.queue.pop_front();
}

Task RedisService::serve(Node from, Command command, ReplyTo answer) {
  const size_t index = leader_;
  Server& server = servers_[index];
  if (network_.is_cut(from, node_of(index))) co_return;
  co_await loop_.sleep(network_.delay());
  const bool has_turn = co_await server.turn(loop_);
  Reply reply;
  if (has_turn) {
    const bool is_run = command->front().starts_with("EVAL");
    const microseconds cost = is_run ? costs_.script : costs_.command;
    reply = std::make_shared<cb::redis::Reply>(server.redis->execute(*command, now_of(server)));
    if (is_run && run_follower_ && index == leader_) run_follower_(*command, *reply);
    ++commands_;
    end_turn(server, cost + announce(index, cost));
    co_await loop_.sleep(cost);
  } else {
    reply = failed("redis: the connection was refused");
  }
  if (network_.is_cut(node_of(index), from)) co_return;
  co_await loop_.sleep(network_.delay());
  answer->give(reply);
}

// Each push takes the server's time, so the last of many listeners gets it late. Returns how long they take.
microseconds RedisService::announce(size_t index, microseconds from_now) {
  Server& server = servers_[index];
  const std::vector<Push> pushes = server.redis->take_pushes();
  if (pushes.empty()) return microseconds(0);
  const auto what = std::make_shared<const Announcement>(announcement_of(pushes));
  if (!what->news && !what->all_keys && what->keys.empty()) return microseconds(0);
  if (what->news && news_follower_ && index == leader_) news_follower_(*what->news);
  microseconds took{0};
  for (Listening& each : server.listening) {
    if (each.is_closed) continue;
    took += costs_.push;
    deliver(index, each, loop_.now() + from_now + took, what);
  }
  return took;
}

void RedisService::deliver(size_t index, Listening& to, TimePoint sent, std::shared_ptr<const Announcement> what) {
  if (network_.is_cut(node_of(index), to.node)) return;
  to.last_delivery = std::max(sent + network_.delay(), to.last_delivery);
  loop_.at(to.last_delivery, [listener = to.listener, connection = to.number, what = std::move(what)] {
    const auto still_there = listener.lock();
    if (!still_there) return;
    if (what) {
      still_there->announced(connection, *what);
    } else {
      still_there->ponged(connection);
    }
  });
}

void RedisService::listen(Node from, std::weak_ptr<RedisListener> listener, std::shared_ptr<Answer<Connected>> answer) {
  accept(from, std::move(listener), std::move(answer));
}

Task RedisService::accept(Node from, std::weak_ptr<RedisListener> listener, std::shared_ptr<Answer<Connected>> answer) {
  const size_t index = leader_;
  Server& server = servers_[index];
  if (network_.is_cut(from, node_of(index)) || network_.is_cut(node_of(index), from)) co_return;
  co_await loop_.sleep(3 * network_.delay());  // it connects, then subscribes
  const bool has_turn = co_await server.turn(loop_);
  Connected connected;
  if (has_turn) {
    connected = {++connections_, server.run};
    server.listening.push_back({connected.connection, from, std::move(listener)});
    end_turn(server, 3 * costs_.command);
  }
  co_await loop_.sleep(network_.delay());
  if (answer->is_given()) close(connected.connection);  // it did not wait so long
  answer->give(connected);
}

void RedisService::ping(Node from, uint64_t connection) {
  for (size_t index = 0; index < servers_.size(); ++index) {
    if (find(servers_[index], connection) != nullptr && !network_.is_cut(from, node_of(index))) pong(index, connection);
  }
}

Task RedisService::pong(size_t index, uint64_t connection) {
  Server& server = servers_[index];
  co_await loop_.sleep(network_.delay());
  const bool has_turn = co_await server.turn(loop_);
  if (!has_turn) co_return;
  end_turn(server, costs_.command);
  Listening* const listening = find(server, connection);
  if (listening != nullptr) deliver(index, *listening, loop_.now() + costs_.command, nullptr);
}

RedisService::Listening* RedisService::find(Server& server, uint64_t connection) {
  const auto found = std::lower_bound(server.listening.begin(), server.listening.end(), connection,
                                      [](const Listening& each, uint64_t wanted) { return each.number < wanted; });
  return found != server.listening.end() && found->number == connection && !found->is_closed ? &*found : nullptr;
}

void RedisService::close(uint64_t connection) {
  for (Server& server : servers_) {
    Listening* const listening = find(server, connection);
    if (listening == nullptr) continue;
    listening->is_closed = true;
    if (++server.closed < server.listening.size() / 2) continue;
    std::erase_if(server.listening, [](const Listening& each) { return each.is_closed; });
    server.closed = 0;
  }
}

bool RedisService::leader_pushes_to(Node instance) const {
  const auto& listening = servers_[leader_].listening;
  return std::any_of(listening.begin(), listening.end(),
                     [&](const Listening& each) { return each.node == instance && !each.is_closed; });
}

// --- what happens to it

void RedisService::execute(const std::vector<std::string>& command) {
  if (!is_up()) return;
  leader().execute(command, leader_now());
  announce(leader_, microseconds(0));
}

cb::Mode RedisService::mode_of(const std::string& breaker) const {
  const Keyspace& keys = servers_[leader_].redis->data();
  const auto found = keys.find("cb:" + breaker + ":breaker");
  const auto* hash = found == keys.end() ? nullptr : std::get_if<Hash>(&found->second.value);
  if (hash == nullptr) return cb::Mode::automatic;
  for (const auto& [field, value] : *hash) {
    if (field == "mode") return cb::mode_from(value).value_or(cb::Mode::automatic);
  }
  return cb::Mode::automatic;
}

void RedisService::evict(uint64_t which) {
  const Keyspace& keys = leader().data();
  if (keys.empty() || !is_up()) return;
  const std::string key = std::next(keys.begin(), static_cast<std::ptrdiff_t>(which % keys.size()))->first;
  leader().evict(key);
  announce(leader_, microseconds(0));
}

void RedisService::break_connections(Server& server) {
  const Node from = node_of(static_cast<size_t>(&server - servers_.data()));
  server.closed = 0;
  for (const Listening& each : std::exchange(server.listening, {})) {
    if (each.is_closed || network_.is_cut(from, each.node)) continue;
    loop_.after(network_.delay(), [listener = each.listener, connection = each.number] {
      if (const auto still_there = listener.lock()) still_there->connection_lost(connection);
    });
  }
}

void RedisService::crash() { end(servers_[leader_]); }

void RedisService::end(Server& server) {
  server.is_up = false;
  drop_queue(server);
  break_connections(server);
}

void RedisService::restart(bool with_data) {
  Server& server = servers_[leader_];
  const Keyspace kept = with_data ? server.redis->data() : Keyspace{};
  if (server.is_up) crash();
  start(server);
  server.redis->replace_data(kept);
}

void RedisService::pause() { servers_[leader_].is_paused = true; }

void RedisService::resume() {
  servers_[leader_].is_paused = false;
  run_next(servers_[leader_]);
}

void RedisService::set_clock(microseconds by) { servers_[leader_].clock_offset += by; }

void RedisService::fail_over(milliseconds lag, bool old_leader_lives) {
  // The replica has what the master had `lag` ago; who wrote since then, finds it gone.
  servers_[leader_].replicated = leader().data();
  loop_.after(lag, [this, old_leader_lives] {
    Server& old = servers_[leader_];
    leader_ = 1 - leader_;
    start(servers_[leader_]);
    leader().replace_data(std::exchange(old.replicated, {}));
    if (old_leader_lives) return;
    end(old);
  });
}

}  // namespace simulation
