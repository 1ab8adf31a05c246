// The verdicts of saker doctor.
#include <algorithm>
#include <cerrno>
#include <iterator>
#include <sstream>
#include <system_error>

#include "doctor_checks.h"
#include "saker/base/quantity.h"

namespace saker::app {
namespace {

constexpr uint32_t kNoCid = 0xFFFFFFFF;
constexpr uint64_t kUnlimited = UINT64_MAX;
constexpr uint64_t kManyDescriptors = 65'536;
constexpr uint64_t kBacklog = 4096;                   // what our listeners ask for
constexpr uint64_t kMuchLockedMemory = 256ull << 20;  // what a busy signing server maps
constexpr int64_t kSlowClockNs = 250;                 // without the vDSO a read is a system call

Finding ok(std::string name, std::string found) {
  return {std::move(name), Verdict::kOk, std::move(found)};
}
Finding note(std::string name, std::string found, std::string why = {}) {
  return {std::move(name), Verdict::kNote, std::move(found), std::move(why)};
}
Finding missing(std::string name, std::string found, std::string mend) {
  return {std::move(name), Verdict::kMissing, std::move(found), std::move(mend)};
}

std::string number_or_unlimited(uint64_t number) {
  return number == kUnlimited ? "unlimited" : format_count(number);
}

Finding judge_own_cid(const VsockFacts& facts) {
  if (facts.device_error == EACCES || facts.device_error == EPERM) {
    return note("vsock CID", "unknown: /dev/vsock may not be read",
                "nothing needs it; chmod a+r /dev/vsock shows the CID here");
  }
  if (facts.device_error != 0) return note("vsock CID", "unknown: there is no /dev/vsock");
  if (facts.own_cid == kNoCid || facts.own_cid == 0) {
    return note("vsock CID", "none: no guest or host driver is loaded");
  }
  if (facts.own_cid == 1) return note("vsock CID", "1: this machine alone, by vsock_loopback");
  if (facts.own_cid == 2) return ok("vsock CID", "2: a host of virtual machines");
  return ok("vsock CID", std::to_string(facts.own_cid) + ": a virtual machine of its host");
}

Finding judge_vhost(const VsockFacts& facts) {
  if (facts.vhost_usable) return ok("vsock to guests", "/dev/vhost-vsock is usable");
  if (facts.vhost_exists) {
    return missing("vsock to guests", "/dev/vhost-vsock may not be opened",
                   "QEMU opens it: add its user to the group that owns /dev/vhost-vsock");
  }
  return note("vsock to guests", "no /dev/vhost-vsock",
              "only a host of virtual machines needs it: modprobe vhost_vsock");
}

}  // namespace

std::vector<Finding> judge_vsock(const VsockFacts& facts) {
  if (!facts.sockets) {
    return {missing("vsock", "this kernel makes no AF_VSOCK sockets",
                    "modprobe vsock; a kernel built without CONFIG_VSOCKETS cannot: use TCP or "
                    "Unix sockets")};
  }
  std::vector<Finding> all{ok("vsock", "AF_VSOCK sockets can be made")};
  all.push_back(judge_own_cid(facts));
  all.push_back(facts.loopback
                    ? ok("vsock loopback", "CID 1 reaches this machine")
                    : missing("vsock loopback", "CID 1 cannot be bound",
                              "modprobe vsock_loopback (only vsock:local and tests need it)"));
  all.push_back(judge_vhost(facts));
  return all;
}

Finding judge_descriptors(uint64_t most) {
  const std::string found = number_or_unlimited(most) + " at most";
  if (most >= kManyDescriptors) return ok("descriptors", found);
  return missing("descriptors", found,
                 "a connection takes one: ulimit -Hn 1048576, or LimitNOFILE=1048576 in the unit");
}

Finding judge_backlog(uint64_t somaxconn) {
  const std::string found = "net.core.somaxconn is " + format_count(somaxconn);
  if (somaxconn >= kBacklog) return ok("accept queue", found);
  return missing("accept queue", found,
                 "bursts of new connections are refused: sysctl net.core.somaxconn=4096");
}

// A fifth is left for the kernel's buffers of sockets, which count too, and for everybody else.
Finding judge_memory(uint64_t present_bytes, uint64_t allowed_bytes) {
  const uint64_t most = std::min(present_bytes, allowed_bytes);
  std::string found = format_size(present_bytes);
  if (allowed_bytes < present_bytes) found += ", of which the cgroup allows " + format_size(most);
  return note("memory", found,
              "a server that strangers reach should have less: saker serve --max-memory " +
                  std::to_string(most / 5 * 4 >> 20) + "MiB");
}

Finding judge_locked_memory(uint64_t most_bytes, bool may_lock) {
  if (may_lock) return ok("locked memory", "may be locked without limit (CAP_IPC_LOCK)");
  const std::string found =
      (most_bytes == kUnlimited ? "unlimited" : format_size(most_bytes)) + " at most";
  if (most_bytes >= kMuchLockedMemory) return ok("locked memory", found);
  return missing("locked memory", found,
                 "private keys may be paged out: LimitMEMLOCK=infinity in the unit, or "
                 "setcap cap_ipc_lock+ep on the program");
}

Finding judge_core_dumps(uint64_t most_bytes, const std::string& pattern) {
  if (most_bytes == 0) return ok("core dumps", "off");
  return note("core dumps", "on for others (" + pattern + ")",
              "saker serve turns its own off; LimitCORE=0 does so before it starts");
}

Finding judge_io_uring(int error) {
  if (error == 0) return note("io_uring", "there", "not used yet");
  if (error == EPERM) return note("io_uring", "forbidden here", "not used yet");
  return note("io_uring", std::generic_category().message(error), "not used yet");
}

Finding judge_cpus(size_t usable, size_t present) {
  const std::string found = format_count(usable) + " of " + format_count(present) + " usable";
  if (usable >= 2) return ok("CPUs", found);
  return note("CPUs", found,
              "signing and answering share one: latencies of one wait for the other");
}

Finding judge_cpu_features(const std::string& flags) {
  std::string there, absent;
  std::istringstream words(flags);
  const std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
  for (const char* feature : {"aes", "pclmulqdq", "bmi2", "adx", "avx2", "sha_ni", "avx512ifma"}) {
    std::string& list = std::ranges::find(all, feature) != all.end() ? there : absent;
    list += (list.empty() ? "" : " ") + std::string(feature);
  }
  if (absent.empty()) return ok("CPU features", there);
  return note("CPU features", there.empty() ? "none of those that cryptography uses" : there,
              "without " + absent + " some cryptography is slower");
}

Finding judge_clock(const std::string& source, int64_t read_ns) {
  const std::string found = source + ", " + std::to_string(read_ns) + " ns to read";
  if (read_ns < kSlowClockNs) return ok("clock", found);
  return missing("clock", found,
                 "each call reads it: see /sys/devices/system/clocksource/clocksource0/"
                 "available_clocksource; tsc and kvm-clock are fast");
}

}  // namespace saker::app
