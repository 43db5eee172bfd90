// A WakeFd wakes a thread that waits in poll() for other descriptors. Thread-safe.
#pragma once

namespace cb::net {

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

}  // namespace cb::net

namespace program {
using cb::net::WakeFd;
}
