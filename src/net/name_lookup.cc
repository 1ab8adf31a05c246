#include "saker/net/name_lookup.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

#include "saker/net/tuning.h"

namespace saker::net {
namespace {

std::atomic<int> running_lookups{0};

// The process's signals are for the threads that expect them.
int start_detached(void* (*body)(void*), void* argument) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  if (const int error = pthread_sigmask(SIG_SETMASK, &all, &before); error != 0) return error;
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, body, argument);
  if (error == 0) pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
}

}  // namespace

struct NameLookup::Job {
  Address address;
  Descriptor done;
  std::atomic<int> owners{2};  // the thread and the NameLookup
  std::atomic<bool> is_done{false};
  Result<std::vector<SocketAddress>> result;
};

NameLookup::NameLookup(NameLookup&& other) noexcept
    : job_(std::exchange(other.job_, nullptr)), done_(std::move(other.done_)) {}

NameLookup& NameLookup::operator=(NameLookup&& other) noexcept {
  if (this == &other) return *this;
  abandon();
  job_ = std::exchange(other.job_, nullptr);
  done_ = std::move(other.done_);
  return *this;
}

void NameLookup::release(Job* job) {
  if (job->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete job;
}

void NameLookup::abandon() {
  if (job_ != nullptr) release(std::exchange(job_, nullptr));
  done_.reset();
}

void* NameLookup::run(void* argument) {
  Job* job = static_cast<Job*>(argument);
  job->result = socket_addresses(job->address, Purpose::kConnect);
  running_lookups.fetch_sub(1, std::memory_order_relaxed);
  job->is_done.store(true, std::memory_order_release);
  const uint64_t one = 1;
  // Writing 1 to an eventfd that nobody else writes to cannot fail.
  (void)!::write(job->done.get(), &one, sizeof one);
  job->done.reset();
  release(job);
  return nullptr;
}

Result<NameLookup> NameLookup::start(const Address& address) {
  if (running_lookups.fetch_add(1, std::memory_order_relaxed) >= tuning::kNameLookups) {
    running_lookups.fetch_sub(1, std::memory_order_relaxed);
    return fail_errno(to_string(address) + ": too many name lookups at once", EBUSY);
  }
  NameLookup lookup;
  lookup.done_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  auto job = std::make_unique<Job>();
  job->address = address;
  job->done = Descriptor(fcntl(lookup.done_.get(), F_DUPFD_CLOEXEC, 0));
  const int error = job->done ? start_detached(run, job.get()) : errno;
  if (error != 0) {
    running_lookups.fetch_sub(1, std::memory_order_relaxed);
    return fail_errno(to_string(address) + ": starting the name lookup", error);
  }
  lookup.job_ = job.release();
  return lookup;
}

Result<std::vector<SocketAddress>> NameLookup::take() {
  if (job_ == nullptr || !job_->is_done.load(std::memory_order_acquire)) {
    return fail("name lookup: not done", EAGAIN);
  }
  return std::move(job_->result);
}

}  // namespace saker::net
