// What a long-running command asks of its process: descriptors, threads, pipes. Best effort all of
// it: what the system refuses is done without.
#pragma once

#include "saker/base/time.h"

namespace saker::app {

// As many open files as the hard limit allows: a connection is one.
void raise_descriptor_limit();
// A reader of our stdout or stderr that goes away must not end a server.
void ignore_broken_pipes();
// A file that reaches the limit of its size (RLIMIT_FSIZE) is an error of that write, not the end.
void ignore_file_size_limit();
// This thread wakes up when it asked to, not up to 50 us later (prctl(2), PR_SET_TIMERSLACK).
void make_wake_ups_exact();
// All threads allocate from one heap, so that what one has freed serves the others (mallopt(3),
// M_ARENA_MAX). Before there are threads.
void share_one_heap();
// CPU time that this thread has used.
Duration thread_cpu_time();

}  // namespace saker::app
