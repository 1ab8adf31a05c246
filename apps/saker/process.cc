#include "process.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <ctime>

namespace saker::app {

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);  // best effort: fewer connections
}

void ignore_broken_pipes() {
  (void)std::signal(SIGPIPE, SIG_IGN);  // fails only for what is no signal
}

void ignore_file_size_limit() {
  (void)std::signal(SIGXFSZ, SIG_IGN);  // as above
}

void make_wake_ups_exact() {
  (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);  // best effort: wakes up later
}

void share_one_heap() {
  (void)mallopt(M_ARENA_MAX, 1);  // best effort: needs more memory
}

Duration thread_cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec);
}

}  // namespace saker::app
