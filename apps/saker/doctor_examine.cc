// What saker doctor finds on this machine. Nothing here changes anything, and no VSOCK connection is made.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
// After <sys/socket.h>, which it needs.
#include <linux/capability.h>
#include <linux/vm_sockets.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

#include "doctor_checks.h"
#include "machine.h"
#include "saker/net/descriptor.h"
#include "saker/rpc/server.h"

namespace saker::app {
namespace {

using net::Descriptor;

bool can_bind_loopback() {
  const Descriptor fd(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_vm local{};
  local.svm_family = AF_VSOCK;
  local.svm_cid = VMADDR_CID_LOCAL;
  local.svm_port = VMADDR_PORT_ANY;
  return fd && ::bind(fd.get(), reinterpret_cast<sockaddr*>(&local), sizeof local) == 0;
}

VsockFacts vsock_facts() {
  VsockFacts facts;
  facts.sockets = static_cast<bool>(Descriptor(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  facts.loopback = can_bind_loopback();
  const Descriptor device(::open("/dev/vsock", O_RDONLY | O_CLOEXEC));
  facts.device_error = device ? 0 : errno;
  unsigned cid = VMADDR_CID_ANY;
  if (device && ioctl(device.get(), IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) == 0) facts.own_cid = cid;
  facts.vhost_exists = access("/dev/vhost-vsock", F_OK) == 0;
  facts.vhost_usable = access("/dev/vhost-vsock", R_OK | W_OK) == 0;
  return facts;
}

uint64_t hard_limit(decltype(RLIMIT_NOFILE) resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return UINT64_MAX;
  return limit.rlim_max;
}

bool has_capability(int number) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:")) continue;
    return (std::strtoull(line.c_str() + std::strlen("CapEff:"), nullptr, 16) >> number & 1) != 0;
  }
  return false;
}

int io_uring_error() {
  io_uring_params parameters{};
  const Descriptor fd(static_cast<int>(syscall(SYS_io_uring_setup, 1, &parameters)));
  return fd ? 0 : errno;
}

std::string cpu_flags() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("flags")) return line.substr(line.find(':') + 1);
  }
  return {};
}

int64_t clock_read_ns() {
  constexpr int kReads = 1000;
  timespec begin{}, end{}, ignored{};
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (int read = 0; read < kReads; ++read) clock_gettime(CLOCK_MONOTONIC, &ignored);
  clock_gettime(CLOCK_MONOTONIC, &end);
  return ((end.tv_sec - begin.tv_sec) * 1'000'000'000 + end.tv_nsec - begin.tv_nsec) / kReads;
}

}  // namespace

std::vector<Finding> examine_machine() {
  std::vector<Finding> all = judge_vsock(vsock_facts());
  const std::string somaxconn = first_line("/proc/sys/net/core/somaxconn");
  all.push_back(judge_descriptors(hard_limit(RLIMIT_NOFILE)));
  all.push_back(judge_backlog(std::strtoull(somaxconn.c_str(), nullptr, 10)));
  all.push_back(judge_memory(present_memory_bytes(), cgroup_memory_bytes()));
  all.push_back(judge_locked_memory(hard_limit(RLIMIT_MEMLOCK), has_capability(CAP_IPC_LOCK)));
  all.push_back(
      judge_core_dumps(hard_limit(RLIMIT_CORE), first_line("/proc/sys/kernel/core_pattern")));
  all.push_back(judge_io_uring(io_uring_error()));
  all.push_back(
      judge_cpus(rpc::available_cpus(), static_cast<size_t>(sysconf(_SC_NPROCESSORS_ONLN))));
  all.push_back(judge_cpu_features(cpu_flags()));
  all.push_back(
      judge_clock(first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
                  clock_read_ns()));
  return all;
}

}  // namespace saker::app
