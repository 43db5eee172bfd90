// A WakeFd is a descriptor that one thread makes readable to end another thread's wait in poll(). Thread-safe: every
// method.
#pragma once

namespace program {

class WakeFd {
 public:
  WakeFd();  // throws std::system_error
  ~WakeFd();
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;

  int fd() const { return fd_; }  // readable from notify() until clear()
  void notify() const;
  void clear() const;  // never blocks

 private:
  int fd_;
};

}  // namespace program
