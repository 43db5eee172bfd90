// The shared breaker with another store than Redis: one that is polled, and one that announces changes by a feed of its
// kind. This program links neither hiredis nor OpenSSL.
#include <doctest/doctest.h>
#include <link.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/quorum_breaker.hpp"
#include "redis_breaker/scripted_breaker.hpp"
#include "redis_breaker/tests/eventually_for_test.hpp"
#include "simple_breaker/state_machine.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const Policy one_failure{.failure_threshold = 1, .recovery_timeout = 60s};

// What arrives at one feed.
struct Inbox {
  ~Inbox() { close(fd); }
  void add(const std::string& breaker, const News& what) {
    const std::scoped_lock lock(mutex);
    news.emplace_back(breaker, what);
    ring();
  }
  void ring() const {
    const uint64_t one = 1;
    CHECK(write(fd, &one, sizeof one) == sizeof one);
  }

  const int fd = eventfd(0, EFD_NONBLOCK);
  std::mutex mutex;
  std::vector<std::pair<std::string, News>> news;  // guarded by mutex
};

// The server: what is stored, and who listens.
struct Server {
  std::mutex mutex;
  std::map<std::string, Snapshot> breakers;  // guarded by mutex, like everything below
  std::set<Inbox*> inboxes;
  std::map<std::string, std::set<std::thread::id>> asked_by;  // by breaker
  std::set<std::string> unreachable;                          // breakers, as if they were on another node
  std::vector<std::chrono::steady_clock::time_point> feeds_of_no_node;

  std::atomic<bool> is_away{false};
  std::atomic<bool> confirms{true};
  std::atomic<bool> refuses_feeds{false};
  std::atomic<uint64_t> run{1};
  std::atomic<uint64_t> feed_run{1};  // where feeds lead
  std::atomic<size_t> node{0};        // that answers, and the only one
  std::atomic<int> questions{0}, feeds{0}, checks{0}, refused{0};
  const std::thread::id caller = std::this_thread::get_id();

  bool has_caller_asked(const std::string& breaker) {
    const std::scoped_lock lock(mutex);
    return asked_by[breaker].erase(caller) > 0;
  }
};

class OtherFeed final : public ChangeFeed {
 public:
  OtherFeed(Server& server, size_t node) : server_(server), is_of_no_node_(node != server.node), run_(server.feed_run) {
    const std::scoped_lock lock(server_.mutex);
    if (is_of_no_node_) server_.feeds_of_no_node.push_back(std::chrono::steady_clock::now());
    server_.inboxes.insert(&inbox_);
    ++server_.feeds;
  }
  ~OtherFeed() override {
    const std::scoped_lock lock(server_.mutex);
    server_.inboxes.erase(&inbox_);
  }

  std::string error() const override {
    if (server_.refuses_feeds) return "not permitted";
    return server_.is_away || is_of_no_node_ ? "away" : "";
  }
  bool is_refused() const override { return server_.refuses_feeds; }
  std::vector<std::string> warnings() override { return {"this store is for tests"}; }
  uint64_t run() const override { return run_; }
  int fd() const override { return inbox_.fd; }
  Changes take() override {
    uint64_t count = 0;
    [[maybe_unused]] const auto drained = read(inbox_.fd, &count, sizeof count);
    const std::scoped_lock lock(inbox_.mutex);
    return {.news = std::exchange(inbox_.news, {}), .confirmed_at = std::exchange(checked_at_, std::nullopt)};
  }
  Check check(const std::string&) override {
    ++server_.checks;
    if (server_.confirms) checked_at_ = coarse_steady_time();
    inbox_.ring();
    return {};
  }

 private:
  Server& server_;
  const bool is_of_no_node_;
  const uint64_t run_;
  Inbox inbox_;
  std::optional<SteadyTime> checked_at_;
};

struct Kind {
  std::chrono::milliseconds between_polls{5s};
  bool has_feed = false;
};
const Kind polled{.between_polls = 20ms};
const Kind announcing{.has_feed = true};

class OtherStore final : public StateStore {
 public:
  OtherStore(Server& server, const Policy& policy, const Kind& kind) : server_(server), policy_(policy), kind_(kind) {}

  StoreName name() const override { return {"other", "The other store"}; }

  StoreResult apply(const std::string& breaker, const LastKnown&, const std::vector<Event>& events, Writes) override {
    ++server_.questions;
    const std::scoped_lock lock(server_.mutex);
    server_.asked_by[breaker].insert(std::this_thread::get_id());
    if (server_.is_away) return StoreTrouble{"away"};
    if (server_.unreachable.contains(breaker)) return ++server_.refused, StoreTrouble{"its node is away"};
    const TimePoint now = steady_wall_clock();
    Snapshot& snapshot = server_.breakers.try_emplace(breaker, closed_snapshot(now)).first->second;
    Answer answer{.now = now, .verified_at = now};
    for (const Event& event : events) answer.replies.push_back(cb::apply(snapshot, policy_, event, now));
    answer.state = snapshot.state;
    answer.generation = answer.epoch = snapshot.generation;
    answer.failures = snapshot.counts.failures;
    answer.wait = std::max(std::chrono::microseconds(0), admits_from(snapshot, policy_) - now);
    answer.origin = {server_.node, server_.run};
    announce(breaker, answer);
    return answer;
  }

  std::unique_ptr<ChangeFeed> watch(size_t node, const std::vector<std::string>& services) override {
    CHECK(node <= server_.node);
    CHECK(services == std::vector<std::string>{"x"});
    return kind_.has_feed ? std::make_unique<OtherFeed>(server_, node) : nullptr;
  }

  std::chrono::milliseconds between_polls() const override { return kind_.between_polls; }

 private:
  void announce(const std::string& breaker, const Answer& answer) {
    const bool has_changed = std::any_of(answer.replies.begin(), answer.replies.end(),
                                         [](const Reply& reply) { return !reply.transitions.empty(); });
    const News news{answer.state, answer.generation, answer.epoch, answer.failures, answer.wait, false, answer.now};
    for (Inbox* inbox : server_.inboxes) {
      if (has_changed) inbox->add(breaker, news);
    }
  }

  Server& server_;
  const Policy policy_;
  const Kind kind_;
};

std::shared_ptr<const SharedBreakerGroup> group_of(Server& server, const Kind& kind, Listener listener = {},
                                                   const Policy& policy = one_failure) {
  return std::make_shared<const SharedBreakerGroup>(std::make_unique<OtherStore>(server, policy, kind), policy,
                                                    std::move(listener));
}

bool is_fresh(const FallbackBreaker& breaker) {
  return eventually([&] { return breaker.view().is_fresh(); });
}
void call(Breaker& breaker, Outcome outcome) { std::get<Permit>(breaker.acquire()).settle(outcome); }
bool rejects(Breaker& breaker) { return std::holds_alternative<Rejection>(breaker.acquire()); }

}  // namespace

TEST_CASE("no library of Redis's is loaded") {
  std::vector<std::string> libraries;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* all) {
        static_cast<std::vector<std::string>*>(all)->emplace_back(info->dlpi_name);
        return 0;
      },
      &libraries);
  CHECK(libraries.size() > 2);
  for (const std::string& library : libraries) {
    CAPTURE(library);
    for (const char* name : {"hiredis", "libssl", "libcrypto"}) CHECK(library.find(name) == std::string::npos);
  }
}

TEST_CASE("a healthy call asks nothing, whether the store announces changes or is polled") {
  for (const Kind& kind : {polled, announcing}) {
    Server server;
    FallbackBreaker breaker(group_of(server, kind), {"x"});
    call(breaker, Outcome::success);
    REQUIRE(is_fresh(breaker));
    server.has_caller_asked("x");
    const auto end = std::chrono::steady_clock::now() + CachedView::longest_age * 3 / 2;
    while (std::chrono::steady_clock::now() < end) call(breaker, Outcome::success);
    CHECK_FALSE(server.has_caller_asked("x"));
    CHECK(breaker.view().is_fresh());
    CHECK(breaker.detailed_status().store.local_calls == 0);
  }
}

TEST_CASE("another instance's trip is noticed without a call, whether it is announced or polled") {
  for (const Kind& kind : {polled, announcing}) {
    Server server;
    FallbackBreaker a(group_of(server, kind), {"x"}), b(group_of(server, kind), {"x"});
    call(a, Outcome::success);
    call(b, Outcome::success);
    REQUIRE(is_fresh(a));
    REQUIRE(is_fresh(b));
    call(a, Outcome::failure);
    CHECK(eventually([&] { return b.known_state() == State::open; }, 3s));
    server.has_caller_asked("x");
    CHECK(rejects(b));
    CHECK_FALSE(server.has_caller_asked("x"));
  }
}

TEST_CASE("only the instance that opened a shared circuit can explain why, and it says what was counted") {
  Server server;
  std::atomic<int> failures{0};
  const auto count = [&](const Notice& notice) { failures += notice.counted.failures; };
  const Policy policy{.failure_threshold = 2, .recovery_timeout = 60s};
  FallbackBreaker a(group_of(server, announcing, count, policy), {"x", "acme"});
  FallbackBreaker b(group_of(server, announcing, count, policy), {"x", "acme"});
  call(b, Outcome::success);
  for (int i = 0; i < 2; ++i) call(a, Outcome::failure);
  CHECK(a.describe().name == "x/acme");
  CHECK(a.describe().cause == "2 consecutive failures");
  CHECK(eventually([&] { return b.known_state() == State::open; }));
  CHECK(b.describe().cause.empty());
  CHECK(failures == 2);
}

TEST_CASE("of many breakers of a polled store each has its turn, and views are fresh when all had theirs") {
  Server server;
  const auto group = group_of(server, polled);
  std::vector<std::unique_ptr<FallbackBreaker>> breakers;
  for (int i = 100; i < 125; ++i)
    breakers.push_back(std::make_unique<FallbackBreaker>(group, Identity{"x", std::to_string(i)}));
  for (const auto& breaker : breakers) call(*breaker, Outcome::success);
  for (const auto& breaker : breakers) CHECK(is_fresh(*breaker));
  const auto others = group_of(server, polled);
  for (const int i : {0, 9, 10, 24}) {
    FallbackBreaker other(others, {"x", std::to_string(100 + i)});
    call(other, Outcome::failure);
    CHECK(eventually([&] { return breakers[static_cast<size_t>(i)]->known_state() == State::open; }));
  }
}

TEST_CASE("a store that is polled too seldom: a call asks, once a second") {
  Server server;
  FallbackBreaker breaker(group_of(server, {.between_polls = 1h}), {"x"});
  call(breaker, Outcome::success);
  server.has_caller_asked("x");
  const auto begun = std::chrono::steady_clock::now();
  CHECK(eventually([&] {
    call(breaker, Outcome::success);
    return server.has_caller_asked("x");
  }));
  CHECK(std::chrono::steady_clock::now() - begun < 2 * CachedView::longest_age);
}

TEST_CASE("a feed that confirms nothing: the view is not used for longer than a second") {
  Server server;
  server.confirms = false;
  FallbackBreaker breaker(group_of(server, announcing), {"x"});
  call(breaker, Outcome::success);
  CHECK(eventually([&] { return server.checks > 0 && !breaker.view().is_fresh(); }));
  CHECK(eventually([&] {
    call(breaker, Outcome::success);
    return server.has_caller_asked("x");
  }));
}

TEST_CASE("an answer from another server than the feed's ends the freshness, and another feed is made") {
  Server server;
  FallbackBreaker breaker(group_of(server, announcing), {"x"});
  call(breaker, Outcome::success);
  REQUIRE(is_fresh(breaker));
  const int feeds = server.feeds;
  server.run = 2;
  call(breaker, Outcome::failure);
  CHECK_FALSE(breaker.view().is_fresh());
  server.feed_run = 2;
  CHECK(eventually([&] { return server.feeds > feeds && breaker.view().is_fresh(); }));
}

TEST_CASE("a node that is gone is asked for pushes less and less often") {
  Server server;
  server.node = 1;
  FallbackBreaker breaker(group_of(server, announcing), {"x"});
  call(breaker, Outcome::success);
  REQUIRE(is_fresh(breaker));
  const auto attempts = [&] {
    const std::scoped_lock lock(server.mutex);
    return server.feeds_of_no_node;
  };
  REQUIRE(eventually([&] { return attempts().size() >= 5; }));
  const auto five = attempts();
  CHECK(five[4] - five[1] >= 1750ms);  // 250 + 500 + 1000 ms; the first one may be for other services
  CHECK(is_fresh(breaker));
}

TEST_CASE("an instance returns when the breaker that lost the store reaches it again, not when another one does") {
  Server server;
  std::atomic<int> returns{0};
  const auto group = group_of(
      server, announcing, [&](const Notice& notice) { returns += notice.kind == NoticeKind::store_joined ? 1 : 0; });
  FallbackBreaker first(group, {"x"}), tenant(group, {"x", "acme"});
  call(first, Outcome::success);
  const auto set_unreachable = [&](const std::set<std::string>& breakers) {
    const std::scoped_lock lock(server.mutex);
    server.unreachable = breakers;
  };
  set_unreachable({Identity{"x", "acme"}.key()});
  call(tenant, Outcome::success);
  CHECK(eventually([&] { return server.refused >= 4; }));
  CHECK(returns == 0);
  set_unreachable({});
  CHECK(eventually([&] { return returns == 1; }));
  CHECK(tenant.detailed_status().store.name == "other");
}

TEST_CASE("a feed that is refused again and again is reported once") {
  Server server;
  server.refuses_feeds = true;
  std::atomic<int> refusals{0}, returns{0};
  const auto count = [&](const Notice& notice) {
    refusals += notice.cause.starts_with("no pushes: not permitted") ? 1 : 0;
    returns += notice.kind == NoticeKind::store_joined ? 1 : 0;
  };
  FallbackBreaker breaker(group_of(server, announcing, count), {"x"});
  call(breaker, Outcome::success);
  REQUIRE(eventually([&] { return refusals == 1; }));
  server.is_away = true;
  call(breaker, Outcome::failure);
  REQUIRE(eventually([&] { return server.questions > 4; }));  // so the outage was reported
  const int feeds = server.feeds;
  server.is_away = false;
  CHECK(eventually([&] { return returns == 1 && server.feeds > feeds; }));
  CHECK(refusals == 1);
}

TEST_CASE("a polled store may be answered for by any server") {
  Server server;
  FallbackBreaker breaker(group_of(server, polled), {"x"});
  call(breaker, Outcome::success);
  REQUIRE(is_fresh(breaker));
  server.run = 2;
  CHECK(eventually([&, before = server.questions.load()] { return server.questions > before + 1; }));
  CHECK(breaker.view().is_fresh());
}

TEST_CASE("the store's name is in the status and in what is reported, and a store that is away is replaced locally") {
  for (const Kind& kind : {polled, announcing}) {
    Server server;
    std::mutex mutex;
    std::vector<std::string> causes;  // guarded by mutex
    FallbackBreaker breaker(group_of(server, kind,
                                     [&](const Notice& notice) {
                                       const std::scoped_lock lock(mutex);
                                       causes.emplace_back(notice.cause);
                                     }),
                            {"x"});
    const auto reported = [&](const std::string& text) {
      return eventually([&] {
        const std::scoped_lock lock(mutex);
        return std::any_of(causes.begin(), causes.end(),
                           [&](const std::string& cause) { return cause.find(text) != std::string::npos; });
      });
    };
    CHECK(breaker.detailed_status().store.name == "other");
    if (kind.has_feed) CHECK(reported("this store is for tests"));
    server.is_away = true;
    call(breaker, Outcome::failure);
    CHECK(rejects(breaker));
    CHECK(breaker.detailed_status().store.name == "local");
    CHECK(breaker.apply_override({Mode::forced_open, "ann", ""}, {}).find("The other store did not accept") == 0);
    CHECK(reported("using a local breaker until The other store recovers"));
    server.is_away = false;
    CHECK(reported("The other store has recovered"));
    CHECK(breaker.detailed_status().store.name == "other");
    CHECK(is_fresh(breaker));
  }
}

TEST_CASE("the scripted breaker and the quorum work with any store") {
  Server server;
  ScriptedBreaker scripted(group_of(server, polled), {"x"});
  CHECK(scripted.detailed_status().store.name == "other, scripted");
  QuorumBreaker quorum(group_of(server, polled), {"x"});
  CHECK(scripted.describe().name == "x");
  call(scripted, Outcome::failure);
  CHECK(eventually([&] { return rejects(quorum); }));
  CHECK(quorum.describe().name == "x");
}

TEST_CASE("a quorum's breaker that is open for this instance only explains that") {
  Server server;
  auto patient = std::make_unique<OtherStore>(server, Policy{.failure_threshold = 5}, polled);
  QuorumBreaker quorum(std::make_shared<const SharedBreakerGroup>(std::move(patient), one_failure), {"x"});
  call(quorum, Outcome::failure);
  CHECK(quorum.detailed_status().open_locally);
  CHECK(quorum.describe().cause == "1 consecutive failure");
}
