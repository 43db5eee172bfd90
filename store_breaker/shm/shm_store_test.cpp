#include "store_breaker/shm/shm_store.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "store_breaker/cas_store.hpp"
#include "store_breaker/shm/binary_record.hpp"
#include "store_breaker/tests/private_segment_for_test.hpp"
#include "store_breaker/tests/store_contract_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

std::string error_of_opening(const std::string& name) {
  try {
    ShmStore store(name);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

Record record_that_lasts(uint64_t version) {
  Record record = record_of_version(version);
  record.expires_at = full_record(version).expires_at;
  return record;
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

}  // namespace

TEST_CASE("shm: keeps the contract of a store") {
  const PrivateSegment segment;
  ShmStore store(segment.name);
  check_store_contract(store, "payments");
}

TEST_CASE("two processes' stores of one name are one store, and only this user's") {
  const PrivateSegment segment;
  ShmStore one(segment.name);
  ShmStore other(segment.name);
  CHECK(write_record(one, "payments", 0, 50) == Written::yes);
  CHECK(read_record(other, "payments").version == 50);
  CHECK(read_record(one, "payments").run == read_record(other, "payments").run);
  struct stat file {};
  REQUIRE(stat(Segment::path_of(segment.name).c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
}

TEST_CASE("a segment that was removed while in use is another store") {
  const PrivateSegment segment;
  ShmStore store(segment.name);
  CHECK(write_record(store, "payments", 0, 50) == Written::yes);
  const uint64_t run = read_record(store, "payments").run;
  const auto watch = require_result<std::unique_ptr<RecordWatch>>(store.watch());
  std::filesystem::remove(Segment::path_of(segment.name));
  std::variant<std::vector<RecordChange>, StoreTrouble> waited;
  while (!std::holds_alternative<StoreTrouble>(waited)) waited = watch->wait(in_five_seconds());
  CHECK(std::get<StoreTrouble>(waited).what == store.name() + ": the segment was removed, and created again");
  CHECK(read_record(store, "payments").version == 0);
  CHECK(read_record(store, "payments").run != run);
}

TEST_CASE("a foreign segment is one clear line") {
  const PrivateSegment segment;
  const std::string path = Segment::path_of(segment.name);
  write_file(path, "something else");
  std::filesystem::permissions(path, std::filesystem::perms{0600});
  CHECK(error_of_opening(segment.name).starts_with("store: " + path + " has 14 bytes, not "));
  std::filesystem::permissions(path, std::filesystem::perms{0644});
  CHECK(error_of_opening(segment.name) == "store: " + path + " may be opened by other users: chmod 600, or remove it");
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/dev/null", path);
  CHECK(error_of_opening(segment.name).starts_with("store: " + path + " cannot be opened: "));
}

TEST_CASE("a segment of the right size and another layout is refused") {
  const PrivateSegment segment;
  const std::string path = Segment::path_of(segment.name);
  { ShmStore store(segment.name); }
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << "cbbreak0";
  CHECK(error_of_opening(segment.name) ==
        "store: " + path + " is not a segment of breakers, or one of another version; remove it");
}

TEST_CASE("another user's segment is refused by name, even for root") {
  if (geteuid() != 0) return;  // only root can make one
  const PrivateSegment segment;
  const std::string path = Segment::path_of(segment.name);
  { ShmStore store(segment.name); }
  REQUIRE(chown(path.c_str(), 12345, 12345) == 0);
  CHECK(error_of_opening(segment.name) == "store: " + path + " belongs to another user (uid 12345)");
}

TEST_CASE("a user who does not own the segment is refused in one clear line, and learns nothing of it") {
  if (geteuid() != 0) return;  // only root can become another user
  const PrivateSegment segment;
  ShmStore store(segment.name);
  const std::string expected = "store: " + Segment::path_of(segment.name) + " belongs to another user (uid 0)";
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    constexpr uid_t another_user = 65534;
    _exit(setresuid(another_user, another_user, another_user) == 0 && error_of_opening(segment.name) == expected ? 0
                                                                                                                 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("a name that could lead elsewhere is refused") {
  for (const std::string name : {"", "../x", "a/b", "a b", "ab.c", "\xc3\xa4"}) {
    CAPTURE(name);
    CHECK(error_of_opening(name) == "store: a name for shm: has 1 to 64 characters of A-Z a-z 0-9 _ -");
  }
  CHECK(error_of_opening(std::string(65, 'a')) != "");
}

TEST_CASE("what something else wrote over a record is damage, and can be replaced") {
  const PrivateSegment segment;
  ShmStore store(segment.name);
  CHECK(write_record(store, "payments", 0, full_record(50)) == Written::yes);
  const std::string path = Segment::path_of(segment.name);
  std::string bytes(std::filesystem::file_size(path), '\0');
  std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const size_t at = bytes.find("Instance-A#1");
  REQUIRE(at != std::string::npos);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at)) << "banana";
  file.flush();
  const Found found = read_record(store, "payments");
  CHECK(found.fault == "the record in " + store.name() + " is damaged");
  CHECK(write_record(store, "payments", found.version, 51) == Written::yes);
  CHECK(read_record(store, "payments").fault == "");
}

TEST_CASE("a full segment takes the place of what has expired, then of the oldest idle record, and then says so") {
  const PrivateSegment segment;
  ShmStore store(segment.name);
  Record record = full_record(1);
  for (size_t i = 0; i < Segment::rows; ++i) {
    record.expires_at = i == 7 ? TimePoint(std::chrono::microseconds(1)) : full_record(1).expires_at;
    const bool is_idle = i == 20 || i == 10;
    CHECK(write_record(store, "breaker-" + std::to_string(i), 0, is_idle ? record_that_lasts(1) : record) ==
          Written::yes);
  }
  CHECK(write_record(store, "breaker-10", 1, record_that_lasts(2)) == Written::yes);
  for (const char* evicted : {"breaker-7", "breaker-20", "breaker-10"}) {
    CHECK(write_record(store, std::string("instead of ") + evicted, 0, full_record(2)) == Written::yes);
    CHECK(read_record(store, evicted).version == 0);
  }
  const auto refused = store.compare_and_set("one-more", 0, full_record(3), in_five_seconds());
  CHECK(std::get<StoreTrouble>(refused).what == store.name() + " is full: 256 breakers are open, or have failures");
  CHECK(read_record(store, "breaker-0").record == full_record(1));
}

TEST_CASE("more breakers than a segment has rows: an instance goes on where it was, and no failure is lost") {
  const PrivateSegment segment;
  CasStore store(std::make_shared<ShmStore>(segment.name), {}, {.instance = "instance", .timeout = 5s});
  const auto ask = [&](const std::string& breaker, const Event& event, const LastKnown& known = {}) {
    return require_result<Answer>(store.apply(breaker, known, {event}));
  };
  const Answer first = ask("first", Acquire{});
  const Answer failing = ask("failing", Acquire{});
  ask("failing", Settle{{failing.generation, 0}, {Outcome::failure}});
  for (size_t i = 0; i < 2 * Segment::rows; ++i) ask("tenant-" + std::to_string(i), Acquire{});
  CHECK(ask("failing", Tick{}).failures == 1);
  const Answer again =
      ask("first", Tick{}, {.generation = first.generation, .epoch = first.epoch, .run = first.origin.run});
  CHECK(again.generation == first.generation);
  CHECK_FALSE(again.forgotten);  // nothing was lost
  CHECK(again.replies.front().transitions.empty());
}

TEST_CASE("a record that is too long is one clear line") {
  const PrivateSegment segment;
  ShmStore store(segment.name);
  Record record = full_record(1);
  record.snapshot.probes.resize(900);
  const auto refused = store.compare_and_set("payments", 0, record, in_five_seconds());
  CHECK(std::get<StoreTrouble>(refused).what.find(" bytes, of at most 7700") != std::string::npos);
}

TEST_CASE("no prefix of a record's bytes is a record") {
  const std::string bytes = to_bytes(full_record(1));
  CHECK(record_from_bytes(bytes) == full_record(1));
  for (size_t size = 0; size < bytes.size(); ++size) CHECK(!record_from_bytes(bytes.substr(0, size)));
  CHECK(!record_from_bytes(bytes + "x"));
  CHECK(!record_from_bytes(std::string(bytes.size(), '\xff')));
}
