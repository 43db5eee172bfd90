#include "load_generator/simulation/chaos/chaos_life.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

#include "load_generator/simulation/chaos/chaos_judge.hpp"
#include "load_generator/simulation/fleet/record_commands.hpp"

namespace simulation {
namespace {

using namespace std::chrono_literals;
using std::chrono::hours;

constexpr auto life = hours(24);
constexpr auto mean_quiet = hours(3);
constexpr auto longest_quiet = hours(8);  // the keys of a breaker live for a day
constexpr auto longest_episode = 6s;      // of harm
constexpr auto longest_harm = 3s;
constexpr auto between_calls = 25ms;
constexpr auto lost_for_long = 200ms;     // longer than a question waits
constexpr auto lost_for_a_moment = 30ms;  // shorter: news may overtake an answer
constexpr auto a_poll = 6s;
constexpr auto rejoining = 10s;             // attempts every 2 s, checks of the connection, pushes
constexpr uint64_t commands_if_well = 5;    // of an instance in a second: checks, polls
constexpr uint64_t commands_a_second = 30;  // of an instance that is busy with nothing but reconnecting

constexpr std::array<std::string_view, harm_kinds> names{"upstream down",
                                                         "upstream flaky",
                                                         "upstream hangs",
                                                         "upstream slow",
                                                         "Redis crashes",
                                                         "Redis loses its data",
                                                         "Redis hangs",
                                                         "Redis evicts a key",
                                                         "Redis evicts all keys",
                                                         "Redis fails over",
                                                         "Redis splits",
                                                         "Redis's clock forward",
                                                         "Redis's clock back",
                                                         "a person flushes",
                                                         "a person deletes the state",
                                                         "a person writes the state",
                                                         "a person's order",
                                                         "instance crashes",
                                                         "instance stalls",
                                                         "network cut",
                                                         "network cut one way",
                                                         "network loses"};

template <class T>
T one_of(Random& random, std::initializer_list<T> choices) {
  return *(choices.begin() + random.below(choices.size()));
}

cb::Policy random_policy(Random& random) {
  cb::Policy policy;
  policy.failure_threshold = one_of(random, {1, 2, 3, 5});
  policy.recovery_timeout = one_of(random, {200ms, 500ms, 2000ms});
  policy.recovery_timeout_multiplier = one_of(random, {1.0, 2.0});
  policy.recovery_timeout_maximum = 2000ms;
  policy.recovery_timeout_jitter = one_of(random, {0.0, 0.3});
  policy.permitted_calls_in_half_open = one_of(random, {1, 1, 2, 3});
  policy.success_threshold = one_of(random, {1, 1, 2});
  policy.probe_timeout = one_of(random, {100ms, 400ms, 1000ms});  // a slow call's answer comes after 150 ms
  policy.half_open_timeout = one_of(random, {0ms, 0ms, 3000ms});
  if (random.chance(0.3)) {
    policy.failure_rate_threshold = 0.5;
    policy.sliding_window_size = 2000ms;
    policy.minimum_number_of_calls = 10;
  }
  return policy;
}

}  // namespace

std::string_view to_text(HarmKind kind) { return names[static_cast<size_t>(kind)]; }

LifePlan plan_life(uint64_t seed, size_t instances, load::Stage stage) {
  Random random(seed);
  LifePlan plan;
  plan.seed = seed;
  plan.instances = instances;
  plan.stage = stage;
  plan.policy = random_policy(random);
  microseconds at = 20s;
  while (at < life) {
    plan.episodes.push_back(at);
    const uint64_t harms = 1 + random.below(5);
    for (uint64_t i = 0; i < harms; ++i) {
      plan.harms.push_back({static_cast<HarmKind>(random.below(harm_kinds)), at + random.between(0ms, longest_episode),
                            random.between(1ms, longest_harm), static_cast<Node>(random.below(instances)),
                            random.next()});
    }
    at += std::min<microseconds>(1min + random.exponential(mean_quiet), longest_quiet);
  }
  std::stable_sort(plan.harms.begin(), plan.harms.end(), [](const Harm& a, const Harm& b) { return a.at < b.at; });
  return plan;
}

namespace {

class Life final : private FleetFollower {
 public:
  Life(const LifePlan& plan, LifeFigures& figures, std::ostream* trace);
  std::optional<Violation> live();

 private:
  void play_episode(microseconds from, microseconds next);
  void recover(microseconds until);
  bool is_well();
  void send_calls();
  void heal();
  void restore_order();

  void plan_harms(microseconds from, microseconds next);
  void harm(const Harm& harm);
  void end(const Harm& harm);
  bool is_store() const { return plan_.stage == load::Stage::store; }
  bool is_possible(HarmKind kind) const;
  // A store is read, written, and if another instance was quicker both again.
  uint64_t commands_of_an_exchange() const { return is_store() ? 3 : 1; }
  void lose_data();
  void person_resets();

  void noticed(Node instance, cb::NoticeKind kind, const cb::Transition& what) override;
  void received(Node instance, const cb::News& news) override;
  void admitted(Node instance, const Granted& granted) override;
  void settled(Node instance, const Granted& granted, cb::Outcome outcome, uint64_t known, bool is_late) override;
  void waited(Node instance, microseconds time) override;
  void call_ended(const load::Call& call) override;
  void writes(uint64_t version, const cb::LastKnown& known, const std::vector<cb::Event>& events,
              const cb::Answer& answer) override;
  void ran(const std::vector<std::string>& command, const cb::redis::Reply& reply);
  void published(const cb::News& news);

  void accuse(const std::string& what);
  void note(const std::string& what);
  microseconds now() { return fleet_.now() - fleet_.settings().start; }
  TimePoint at(microseconds offset) const { return fleet_.settings().start + offset; }

  const LifePlan& plan_;
  LifeFigures& figures_;
  std::ostream* const trace_;
  SimulatedFleet fleet_;
  std::optional<Violation> violation_;
  bool sends_ = false;
  uint64_t calls_ = 0;
  uint64_t answered_ = 0;  // by the breakers

  ChaosJudge judge_;
  std::map<uint64_t, ChaosJudge::Run> written_;  // by version: what a store may have been asked to write
  std::vector<TimePoint> stalled_until_;         // by instance
  cb::Override given_{};                         // a person's last order
  std::optional<cb::Override> order_;            // while it is in force
  std::vector<bool> knew_;                       // by instance: the order, when the store last lost data
  int published_since_loss_ = 0;
};

FleetSettings settings_of(const LifePlan& plan) {
  FleetSettings settings;
  settings.instances = plan.instances;
  settings.stage = plan.stage;
  settings.policy = plan.policy;
  settings.call_timeout = 300ms;
  settings.seed = plan.seed;
  return settings;
}

Life::Life(const LifePlan& plan, LifeFigures& figures, std::ostream* trace)
    : plan_(plan),
      figures_(figures),
      trace_(trace),
      fleet_(settings_of(plan), *this),
      judge_(plan.policy, plan.instances, [this](const std::string& what) { accuse(what); }),
      stalled_until_(plan.instances),
      knew_(plan.instances) {
  fleet_.redis().on_news([this](const cb::News& news) { published(news); });
  fleet_.redis().on_run([this](const auto& command, const auto& reply) { ran(command, reply); });
  for (Node instance = 0; instance < plan.instances; ++instance)
    fleet_.start(instance, fleet_.random().between(0ms, 500ms));
}

std::optional<Violation> Life::live() {
  fleet_.loop().run_until(at(10s));
  for (size_t i = 0; i < plan_.episodes.size() && !violation_; ++i) {
    const bool is_last = i + 1 == plan_.episodes.size();
    fleet_.begin_quiet();
    fleet_.loop().run_until(at(plan_.episodes[i]));
    fleet_.end_quiet();
    play_episode(plan_.episodes[i], is_last ? microseconds(life) * 2 : plan_.episodes[i + 1]);
  }
  figures_.hours += std::chrono::duration<double, std::ratio<3600>>(now()).count();
  figures_.events += fleet_.loop().events();
  figures_.scripts += fleet_.redis().scripts_run();
  return violation_;
}

void Life::play_episode(microseconds from, microseconds next) {
  judge_.episode_begins();
  written_.clear();
  plan_harms(from, next);
  sends_ = true;
  send_calls();
  const TimePoint over = at(from + longest_episode + longest_harm);
  uint64_t commands = fleet_.redis().commands();
  uint64_t calls = calls_;
  while (fleet_.now() < over && !violation_) {
    fleet_.loop().run_until(fleet_.now() + 1s);
    const uint64_t sent = fleet_.redis().commands() - std::exchange(commands, fleet_.redis().commands());
    const uint64_t called = calls_ - std::exchange(calls, calls_);
    const uint64_t most = judge_.is_fleet_well() ? commands_if_well * fleet_.size() + called
                                                 : commands_a_second * fleet_.size() + 4 * called;
    if (sent > most * commands_of_an_exchange())
      accuse(fmt::format("commands: {} in a second, at most {} are explained", sent, most * commands_of_an_exchange()));
  }
  heal();
  restore_order();
  recover(now() + plan_.policy.probe_timeout + 3 * plan_.policy.recovery_timeout_maximum + rejoining + a_poll);
  sends_ = false;
  fleet_.loop().run_until(fleet_.now() + 1s);  // the last calls
}

// Every instance in turn, at random.
void Life::send_calls() {
  if (!sends_) return;
  const Node instance = static_cast<Node>(fleet_.random().below(fleet_.size()));
  const bool is_local = fleet_.is_up(instance) && fleet_.is_local(instance) && fleet_.now() >= stalled_until_[instance];
  const uint64_t answered = answered_;
  fleet_.send(instance, load::Offset(now()));
  if (is_local && answered_ == answered)
    accuse(fmt::format("in time: {} waits for Redis, which is away", load::instance_name(instance)));
  if (is_local) judge_.is_local(instance, fleet_.shared(instance)->core(), fleet_.state(instance));
  ++calls_;
  ++figures_.calls;
  fleet_.loop().after(fleet_.random().exponential(between_calls), [this] { send_calls(); });
}

bool Life::is_well() {
  for (Node instance = 0; instance < fleet_.size(); ++instance) {
    const bool is_fresh = fleet_.shared(instance)->is_fresh() && fleet_.redis().leader_pushes_to(instance);
    const bool shares = !fleet_.is_local(instance) && is_fresh;
    if (!fleet_.is_up(instance) || fleet_.state(instance) != load::State::closed || !shares) return false;
  }
  return true;
}

void Life::recover(microseconds until) {
  while (!is_well() && now() < until && !violation_) fleet_.loop().run_until(fleet_.now() + 100ms);
  if (is_well() || violation_) return;
  for (Node instance = 0; instance < fleet_.size(); ++instance) {
    note(fmt::format("{}: {}{}{}", load::instance_name(instance), load::to_text(fleet_.state(instance)),
                     fleet_.is_local(instance)             ? ", local"
                     : fleet_.shared(instance)->is_fresh() ? ""
                                                           : ", stale",
                     fleet_.redis().leader_pushes_to(instance) ? "" : ", listens elsewhere"));
  }
  accuse("recovered: not every instance is closed and shares, though nothing has been wrong for " +
         fmt::format("{:.1f} s", std::chrono::duration<double>(until - now() + rejoining).count()));
}

void Life::heal() {
  note("all harm is over");
  fleet_.network().heal();
  fleet_.network().lose(0, lost_for_long);
  fleet_.upstream().change("healthy", fleet_.now());
}

// Then, if an order was given, it must still be there before the person ends it.
void Life::restore_order() {
  if (violation_ || given_.actor.empty()) return;
  fleet_.loop().run_until(fleet_.now() + rejoining + a_poll);
  const bool one_knew = std::find(knew_.begin(), knew_.end(), true) != knew_.end();
  const auto mode = fleet_.redis().mode_of(SharedInstance::breaker);
  if (order_ && mode != order_->mode && one_knew && published_since_loss_ <= 1)
    accuse(fmt::format("order: {} was lost, though an instance knew it", to_text(order_->mode)));
  order_.reset();
  given_ = {};
  note("a person ends all overrides");
  fleet_.apply_override(0, {cb::Mode::automatic, "ann", ""}, 0ms);
}

// --- harm

void Life::plan_harms(microseconds from, microseconds next) {
  for (const Harm& each : plan_.harms) {
    if (each.at < from || each.at >= next) continue;
    fleet_.loop().at(at(each.at), [this, &each] { harm(each); });
    fleet_.loop().at(at(each.at + each.length), [this, &each] { end(each); });
  }
}

bool Life::is_possible(HarmKind kind) const {
  const bool is_of_redis =
      kind == HarmKind::redis_evicts || kind == HarmKind::redis_evicts_all || kind == HarmKind::person_writes_state;
  return !is_store() || !is_of_redis;
}

void Life::harm(const Harm& harm) {
  if (!is_possible(harm.kind)) return;
  RedisService& redis = fleet_.redis();
  Network& network = fleet_.network();
  const Node redis_node = redis.leader_node();
  ++figures_.harms[static_cast<size_t>(harm.kind)];
  note(fmt::format("{} for {} ms ({})", to_text(harm.kind), harm.length.count() / 1000,
                   load::instance_name(harm.instance)));
  if (harm.kind > HarmKind::upstream_slow) judge_.fleet_is_disturbed();
  switch (harm.kind) {
    case HarmKind::upstream_down:
      return fleet_.upstream().change("down", fleet_.now());
    case HarmKind::upstream_flaky:
      return fleet_.upstream().change("flaky 0.5", fleet_.now());
    case HarmKind::upstream_hangs:
      return fleet_.upstream().change("hang 1", fleet_.now());
    case HarmKind::upstream_slow:
      return fleet_.upstream().change("slow 150ms", fleet_.now());
    case HarmKind::redis_crash:
      return redis.crash();
    case HarmKind::redis_loss:
      lose_data();
      return redis.crash();
    case HarmKind::redis_pause:
      return redis.pause();
    case HarmKind::redis_evicts:
      lose_data();
      return redis.evict(harm.detail);
    case HarmKind::redis_evicts_all:
      lose_data();
      for (int i = 0; i < 8; ++i) redis.evict(0);
      return;
    case HarmKind::redis_fails_over:
    case HarmKind::redis_splits:
      lose_data();
      return redis.fail_over(milliseconds(harm.detail % 500), harm.kind == HarmKind::redis_splits);
    case HarmKind::redis_clock_forward:
      judge_.clock_is_set();
      return redis.set_clock(harm.detail % 2 == 0 ? microseconds(1h) : microseconds(5s));
    case HarmKind::redis_clock_back:
      judge_.clock_is_set();
      return redis.set_clock(harm.detail % 2 == 0 ? -microseconds(1h) : -microseconds(5s));
    case HarmKind::person_flushes:
      judge_.person_deletes();
      person_resets();
      return redis.execute({"FLUSHALL"});
    case HarmKind::person_deletes_state:
      judge_.person_deletes();
      person_resets();
      if (is_store()) return redis.execute(delete_command(SharedInstance::breaker));
      return redis.execute({"DEL", std::string("cb:") + SharedInstance::breaker + ":state"});
    case HarmKind::person_writes_state:
      judge_.person_writes();
      person_resets();
      return redis.execute({"SET", std::string("cb:") + SharedInstance::breaker + ":state", "open"});
    case HarmKind::person_overrides:
      if (!fleet_.is_up(harm.instance)) return;
      order_.reset();
      given_ = {harm.detail % 2 == 0 ? cb::Mode::forced_open : cb::Mode::forced_closed, "ann", ""};
      return fleet_.apply_override(harm.instance, given_, 0ms);
    case HarmKind::instance_crash:
      if (!fleet_.is_up(harm.instance)) return;
      knew_[harm.instance] = false;
      judge_.instance_starts(harm.instance);
      return fleet_.kill(harm.instance);
    case HarmKind::instance_stall:
      if (!fleet_.is_up(harm.instance)) return;
      stalled_until_[harm.instance] = fleet_.now() + harm.length;
      judge_.instance_stalls(harm.instance, fleet_.now() + harm.length);
      return fleet_.stall(harm.instance, harm.length);
    case HarmKind::network_cut:
      network.cut(harm.instance, redis_node);
      return network.cut(redis_node, harm.instance);
    case HarmKind::network_cut_one_way:
      return harm.detail % 2 == 0 ? network.cut(harm.instance, redis_node) : network.cut(redis_node, harm.instance);
    case HarmKind::network_loss:
      if (harm.detail % 2 == 0) return network.lose(0.3, lost_for_a_moment);
      return network.lose(0.1, lost_for_long);
  }
}

void Life::end(const Harm& harm) {
  RedisService& redis = fleet_.redis();
  switch (harm.kind) {
    case HarmKind::upstream_down:
    case HarmKind::upstream_flaky:
    case HarmKind::upstream_hangs:
    case HarmKind::upstream_slow:
      return fleet_.upstream().change("healthy", fleet_.now());
    case HarmKind::redis_crash:
    case HarmKind::redis_loss:
      if (!redis.is_down()) return;
      return redis.restart(harm.kind == HarmKind::redis_crash);
    case HarmKind::redis_pause:
      return redis.resume();
    case HarmKind::instance_crash:
      if (!fleet_.is_up(harm.instance)) fleet_.start(harm.instance, 0ms);
      return;
    case HarmKind::network_cut:
    case HarmKind::network_cut_one_way:
      return fleet_.network().heal();
    case HarmKind::network_loss:
      return fleet_.network().lose(0, lost_for_long);
    default:
      return;
  }
}

// Who knows the person's order now, has to restore it.
void Life::lose_data() {
  judge_.server_loses();
  if (!order_ || fleet_.redis().mode_of(SharedInstance::breaker) != order_->mode) return;
  for (Node instance = 0; instance < fleet_.size(); ++instance) {
    const SharedInstance* shared = fleet_.shared(instance);
    knew_[instance] = fleet_.is_up(instance) && shared->core().latest().active_override.mode == order_->mode;
  }
  published_since_loss_ = 0;
}

void Life::person_resets() {
  if (fleet_.redis().is_up()) order_.reset();
}

// --- what happens

void Life::noticed(Node instance, cb::NoticeKind kind, const cb::Transition& what) {
  if (kind != cb::NoticeKind::transition && kind != cb::NoticeKind::override) return;
  ++figures_.transitions;
  note(fmt::format("{}: {} > {}: {}", load::instance_name(instance), cb::to_text(what.from), cb::to_text(what.to),
                   what.cause));
  if (what.cause.starts_with("local: ") && what.to == cb::State::open)
    judge_.may_open_locally(instance, fleet_.shared(instance)->core().view());
  if (kind == cb::NoticeKind::override && !given_.actor.empty() && what.cause.find(" by ann") != std::string::npos) {
    order_ = given_;
  }
}

void Life::published(const cb::News& news) {
  ++published_since_loss_;
  note(fmt::format("news: {} in generation {}", cb::to_text(news.state), news.generation));
  judge_.published(news, fleet_.now());
}

void Life::received(Node instance, const cb::News& news) { judge_.received(instance, news); }

void Life::admitted(Node instance, const Granted& granted) {
  if (granted.id.probe != 0 && !granted.of_memory)
    note(fmt::format("{} probes in generation {}", load::instance_name(instance), granted.id.generation));
  judge_.admitted(instance, granted, fleet_.shared(instance)->core().view(), fleet_.now());
}

void Life::settled(Node instance, const Granted& granted, cb::Outcome outcome, uint64_t known, bool is_late) {
  judge_.settled(instance, granted, outcome, known, is_late, fleet_.now());
  // It may have ended when Redis was back: then nothing is reported, and the next outage goes on with it.
  if (granted.of_memory && outcome == cb::Outcome::failure && !is_late)
    judge_.may_open_locally(instance, fleet_.shared(instance)->core().view());
}

void Life::waited(Node instance, microseconds time) {
  ++answered_;
  judge_.waited(instance, time, fleet_.now());
}

void Life::call_ended(const load::Call&) {}

void Life::writes(uint64_t version, const cb::LastKnown& known, const std::vector<cb::Event>& events,
                  const cb::Answer& answer) {
  written_[version] = {known, events, answer};
}

void Life::ran(const std::vector<std::string>& command, const cb::redis::Reply& reply) {
  if (!is_store()) return judge_.ran(command, reply, fleet_.now());
  const auto version = version_written(command, reply);
  const auto run = written_.find(version.value_or(0));
  if (run != written_.end()) judge_.ran(run->second, fleet_.now());
}

void Life::accuse(const std::string& what) {
  note("VIOLATED " + what);
  if (!violation_) violation_ = Violation{what, now()};
}

void Life::note(const std::string& what) {
  if (trace_ == nullptr) return;
  *trace_ << fmt::format("{:14.6f} s  {}\n", std::chrono::duration<double>(now()).count(), what);
}

}  // namespace

std::optional<Violation> live(const LifePlan& plan, LifeFigures& figures, std::ostream* trace) {
  return Life(plan, figures, trace).live();
}

}  // namespace simulation
