// While an UncancelledThread exists, pthread_cancel() of its thread waits: for what other threads wait for.
#pragma once

#include <pthread.h>

namespace cb {

class UncancelledThread {
 public:
  UncancelledThread() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~UncancelledThread() { pthread_setcancelstate(before_, nullptr); }
  UncancelledThread(const UncancelledThread&) = delete;
  UncancelledThread& operator=(const UncancelledThread&) = delete;

 private:
  int before_ = 0;
};

}  // namespace cb
