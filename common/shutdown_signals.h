// SIGTERM and SIGINT as something to wait for.

#ifndef GATEHOUSE_COMMON_SHUTDOWN_SIGNALS_H_
#define GATEHOUSE_COMMON_SHUTDOWN_SIGNALS_H_

#include <signal.h>

namespace common {

// Blocks SIGTERM and SIGINT in this thread and in all that it starts later, so that Wait() is the only one to see them;
// also ignores SIGPIPE. Construct it first thing in main, before any thread exists.
class ShutdownSignals {
 public:
  ShutdownSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    signal(SIGPIPE, SIG_IGN);
  }

  ShutdownSignals(const ShutdownSignals&) = delete;
  ShutdownSignals& operator=(const ShutdownSignals&) = delete;

  // Blocks until one of the signals arrives, and returns which. A second one then kills the process as usual.
  int Wait() const {
    int received = 0;
    sigwait(&set_, &received);
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
    return received;
  }

 private:
  sigset_t set_;
};

}  // namespace common

#endif  // GATEHOUSE_COMMON_SHUTDOWN_SIGNALS_H_
