#include "store_breaker/shm/segment.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <random>
#include <stdexcept>
#include <system_error>

#include "simple_breaker/clock.hpp"

namespace cb {
namespace {

constexpr uint64_t magic = 0x32'6b'61'65'72'62'62'63;  // "cbbreak2": another layout has another number
constexpr std::chrono::milliseconds longest_sleep{250};

// FNV-1a over words: garbage that something else wrote into the memory is not taken for a record.
uint64_t checksum_of(std::string_view name, std::string_view text, uint64_t version) {
  uint64_t hash = 14'695'981'039'346'656'037ULL ^ version;
  const auto mix = [&hash](std::string_view part) {
    for (; !part.empty(); part.remove_prefix(std::min<size_t>(8, part.size()))) {
      uint64_t word = part.size();
      std::memcpy(&word, part.data(), std::min<size_t>(8, part.size()));
      hash = (hash ^ word) * 1'099'511'628'211ULL;
    }
  };
  mix(name);
  mix(text);
  return hash;
}

size_t place_of(std::string_view name) { return checksum_of(name, "", 0) % Segment::rows; }

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error("store: " + path + " " + why);
}

[[noreturn]] void refuse_for_errno(const std::string& path, const std::string& what) {
  refuse(path, what + ": " + std::generic_category().message(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int operator*() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  const int fd_;
};

timespec timespec_of(std::chrono::nanoseconds duration) {
  const auto count = std::max<int64_t>(0, duration.count());
  return {count / 1'000'000'000, count % 1'000'000'000};
}

// Clang 14's ThreadSanitizer does not know pthread_mutex_clocklock(), and of a timed lock not that it was taken over.
#if defined(__SANITIZE_THREAD__)
#define LAB_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LAB_THREAD_SANITIZER 1
#endif
#endif

// A step of the wall clock does not matter. Returns an error number.
int lock_until(pthread_mutex_t& mutex, std::chrono::steady_clock::time_point deadline) {
#ifdef LAB_THREAD_SANITIZER
  static_cast<void>(deadline);
  return pthread_mutex_lock(&mutex);
#else
  const timespec until = timespec_of(deadline.time_since_epoch());  // since the host started
  return pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until);
#endif
}

long futex(const std::atomic<uint32_t>& word, int operation, uint32_t value, const timespec* timeout) {
  return syscall(SYS_futex, &word, operation, value, timeout, nullptr, 0);
}

}  // namespace

struct Segment::Slot {
  uint64_t version;  // 0: never written
  uint64_t checksum;
  Segment::Stay stay;
  uint32_t name_size;
  uint32_t text_size;
  char bytes[Segment::longest_name + Segment::longest_text];  // name and text

  // Sizes come from memory that others can write.
  bool is_sound() const { return name_size <= Segment::longest_name && text_size <= Segment::longest_text; }
  std::string_view name() const { return {bytes, is_sound() ? name_size : 0}; }
  std::string_view text() const { return {bytes + name().size(), is_sound() ? text_size : 0}; }
  bool is_damaged() const { return !is_sound() || checksum != checksum_of(name(), text(), version); }

  void write(std::string_view new_name, std::string_view new_text, uint64_t new_version) {
    version = new_version;
    name_size = static_cast<uint32_t>(new_name.size());
    text_size = static_cast<uint32_t>(new_text.size());
    std::memcpy(bytes, new_name.data(), new_name.size());
    std::memcpy(bytes + new_name.size(), new_text.data(), new_text.size());
    checksum = checksum_of(new_name, new_text, new_version);
  }
};

static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free);

struct Segment::RowMemory {
  std::atomic<uint32_t> current;  // the slot in use; one store switches to the other
  std::atomic<uint64_t> change;   // the number of its last change
  Slot slots[2];

  const Slot& slot() const { return slots[current.load(std::memory_order_acquire) % 2]; }
  Slot& other() { return slots[(current.load(std::memory_order_acquire) + 1) % 2]; }
  void switch_slots() { current.store((current.load() + 1) % 2, std::memory_order_release); }
};

struct Segment::Memory {
  uint64_t magic;
  uint64_t size;
  uint64_t run;
  std::chrono::microseconds clock_ahead;  // of the machine's steady clock
  std::atomic<uint32_t> wake_ups;         // the futex
  std::atomic<uint64_t> changes;
  pthread_mutex_t mutex;
  RowMemory rows[Segment::rows];

  void begin();
  void announce_all();
};

void Segment::Memory::begin() {
  std::random_device random;
  size = sizeof(Memory);
  run = (uint64_t{random()} << 31 | random()) + 1;
  clock_ahead = steady_wall_clock().time_since_epoch() - std::chrono::duration_cast<std::chrono::microseconds>(
                                                             std::chrono::steady_clock::now().time_since_epoch());
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  magic = cb::magic;
}

// Its holder died: what it had switched, it may not have announced.
void Segment::Memory::announce_all() {
  for (RowMemory& row : rows) {
    if (row.slot().version != 0) row.change = ++changes;
  }
}

class Segment::Locked {
 public:
  Locked(Memory& memory, Deadline deadline) : memory_(memory) {
    int error = pthread_mutex_trylock(&memory.mutex);
    if (error == EBUSY) error = lock_until(memory.mutex, deadline);
    if (error == EOWNERDEAD) {
      memory.announce_all();
      pthread_mutex_consistent(&memory.mutex);
    }
    holds_ = error == 0 || error == EOWNERDEAD;
  }
  ~Locked() {
    if (holds_) pthread_mutex_unlock(&memory_.mutex);
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  explicit operator bool() const { return holds_; }

  // Its row, or else the one that it may take: a row that is empty, the first one that has expired, or else an idle
  // one. Null: all are in use. Rows are never emptied, so a search ends at the first empty one.
  RowMemory* find(std::string_view name, TimePoint now) {
    RowMemory* expired = nullptr;
    for (size_t i = 0; i < rows; ++i) {
      RowMemory& row = memory_.rows[(place_of(name) + i) % rows];
      const Slot& slot = row.slot();
      if (slot.version != 0 && slot.name() == name) return &row;
      if (slot.version == 0) return expired != nullptr ? expired : &row;
      if (expired == nullptr && slot.stay.expires_at < now) expired = &row;
    }
    return expired != nullptr ? expired : idle();
  }

 private:
  RowMemory* idle() {
    RowMemory* oldest = nullptr;
    for (RowMemory& row : memory_.rows) {
      if (row.slot().stay.is_idle && (oldest == nullptr || row.change < oldest->change)) oldest = &row;
    }
    return oldest;
  }

  Memory& memory_;
  bool holds_ = false;
};

std::string Segment::path_of(const std::string& name) { return "/dev/shm/circuit_breaker." + name; }

namespace {

// Its descriptor, once it is sure that the file is a segment of this user.
void require_own(int fd, const std::string& path, size_t size) {
  struct stat file {};
  if (fstat(fd, &file) != 0) refuse_for_errno(path, "cannot be examined");
  if (!S_ISREG(file.st_mode)) refuse(path, "is not a file");
  if (file.st_uid != geteuid()) refuse(path, "belongs to another user (uid " + std::to_string(file.st_uid) + ")");
  if ((file.st_mode & 077) != 0) refuse(path, "may be opened by other users: chmod 600, or remove it");
  if (static_cast<size_t>(file.st_size) != size) {
    refuse(path, "has " + std::to_string(file.st_size) + " bytes, not " + std::to_string(size) +
                     ": it is not a segment of breakers, or one of another version; remove it");
  }
}

int open_existing(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd >= 0 || errno == ENOENT) return fd;
  struct stat file {};
  const bool is_foreign = errno == EACCES && lstat(path.c_str(), &file) == 0 && file.st_uid != geteuid();
  if (is_foreign) refuse(path, "belongs to another user (uid " + std::to_string(file.st_uid) + ")");
  refuse_for_errno(path, "cannot be opened");
}

void* map(int fd, const std::string& path, size_t size) {
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) refuse_for_errno(path, "cannot be mapped");
  return memory;
}

// A file without a name: it gets one when it is complete, and vanishes if this process is killed before.
int create_nameless(const std::string& path, size_t size) {
  const int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) refuse_for_errno(path, "cannot be created");
  errno = posix_fallocate(fd, 0, static_cast<off_t>(size));  // now, rather than a SIGBUS later
  if (errno == 0) return fd;
  close(fd);
  refuse_for_errno(path, "cannot be created with " + std::to_string(size) + " bytes");
}

// False: another process was quicker.
bool name_it(int fd, const std::string& path) {
  const std::string nameless = "/proc/self/fd/" + std::to_string(fd);
  if (linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
  if (errno != EEXIST) refuse_for_errno(path, "cannot be created");
  return false;
}

uint64_t inode_of(int fd) {
  struct stat file {};
  return fstat(fd, &file) == 0 ? file.st_ino : 0;
}

}  // namespace

Segment::Segment(const std::string& name) : path_(path_of(name)) {
  while (memory_ == nullptr) {
    if (const Descriptor existing(open_existing(path_)); existing.is_open()) {
      require_own(*existing, path_, sizeof(Memory));
      memory_ = static_cast<Memory*>(map(*existing, path_, sizeof(Memory)));
      inode_ = inode_of(*existing);
    } else {
      const Descriptor created(create_nameless(path_, sizeof(Memory)));
      auto* const memory = static_cast<Memory*>(map(*created, path_, sizeof(Memory)));
      memory->begin();
      inode_ = inode_of(*created);
      if (name_it(*created, path_)) {
        memory_ = memory;
      } else {
        munmap(memory, sizeof(Memory));
      }
    }
  }
  if (memory_->magic == magic && memory_->size == sizeof(Memory)) return;
  munmap(memory_, sizeof(Memory));
  refuse(path_, "is not a segment of breakers, or one of another version; remove it");
}

Segment::~Segment() { munmap(memory_, sizeof(Memory)); }

uint64_t Segment::run() const { return memory_->run; }

TimePoint Segment::now() const {
  const auto steady = std::chrono::steady_clock::now().time_since_epoch();
  return TimePoint(std::chrono::duration_cast<std::chrono::microseconds>(steady) + memory_->clock_ahead);
}

bool Segment::is_current() const {
  struct stat file {};
  return lstat(path_.c_str(), &file) == 0 && file.st_ino == inode_;
}

std::optional<Segment::Row> Segment::read(std::string_view name, Deadline deadline) {
  Locked locked(*memory_, deadline);
  if (!locked) return std::nullopt;
  const RowMemory* const row = locked.find(name, now());
  if (row == nullptr || row->slot().version == 0 || row->slot().name() != name) return Row{};
  const Slot& slot = row->slot();
  return Row{slot.version, std::string(slot.text()), slot.is_damaged()};
}

Segment::Result Segment::compare_and_set(std::string_view name, uint64_t expected, uint64_t version,
                                         std::string_view text, const Stay& stay, Deadline deadline) {
  if (name.size() > longest_name || text.size() > longest_text) return Result::too_long;
  {
    Locked locked(*memory_, deadline);
    if (!locked) return Result::locked;
    RowMemory* const row = locked.find(name, now());
    const bool exists = row != nullptr && row->slot().version != 0 && row->slot().name() == name;
    if ((exists ? row->slot().version : 0) != expected) return Result::conflict;
    if (row == nullptr) return Result::full;
    row->other().write(name, text, version);
    row->other().stay = stay;
    row->switch_slots();
    row->change = ++memory_->changes;
  }
  wake_all();
  return Result::written;
}

uint64_t Segment::changes() const { return memory_->changes; }

void Segment::wake_all() {
  memory_->wake_ups.fetch_add(1);
  futex(memory_->wake_ups, FUTEX_WAKE, INT_MAX, nullptr);
}

std::vector<std::string> Segment::wait_for_changes(uint64_t& seen, Deadline deadline) {
  const uint32_t wake_ups = memory_->wake_ups;
  if (memory_->changes == seen) {
    const auto left = std::min<std::chrono::nanoseconds>(deadline - std::chrono::steady_clock::now(), longest_sleep);
    const timespec timeout = timespec_of(left);
    futex(memory_->wake_ups, FUTEX_WAIT, wake_ups, &timeout);
  }
  Locked locked(*memory_, std::chrono::steady_clock::now() + longest_sleep);
  std::vector<std::string> names;
  if (!locked || memory_->changes == seen) return names;
  for (const RowMemory& row : memory_->rows) {
    if (row.change > seen) names.emplace_back(row.slot().name());
  }
  seen = memory_->changes;
  return names;
}

}  // namespace cb
