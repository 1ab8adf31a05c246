// What saker doctor looks at: facts of this machine, and what they mean for Saker. Looking and judging
// are apart, so that every verdict can be tested without such a machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace saker::app {

enum class Verdict : uint8_t {
  kOk,
  kMissing,  // something that Saker can use is not there, or too little of it
  kNote,     // worth knowing, nothing to mend
};

struct Finding {
  std::string name;
  Verdict verdict = Verdict::kOk;
  std::string found;
  std::string mend{};  // how, and whom it matters to; empty when there is nothing to do
};

// ---- facts, and the verdicts on them

struct VsockFacts {
  bool sockets = false;           // socket(AF_VSOCK) works
  bool loopback = false;          // CID 1 can be bound
  int device_error = 0;           // errno of opening /dev/vsock; 0: readable
  uint32_t own_cid = 0xFFFFFFFF;  // any: unknown, or no transport
  bool vhost_exists = false;      // /dev/vhost-vsock
  bool vhost_usable = false;
};
std::vector<Finding> judge_vsock(const VsockFacts& facts);

// `most` is the hard limit; UINT64_MAX: none.
Finding judge_descriptors(uint64_t most);
Finding judge_backlog(uint64_t somaxconn);
// `allowed_bytes`: by the cgroup; UINT64_MAX: all there is.
Finding judge_memory(uint64_t present_bytes, uint64_t allowed_bytes);
Finding judge_locked_memory(uint64_t most_bytes, bool may_lock);
Finding judge_core_dumps(uint64_t most_bytes, const std::string& pattern);
Finding judge_io_uring(int error);
Finding judge_cpus(size_t usable, size_t present);
// `flags`: as /proc/cpuinfo has them.
Finding judge_cpu_features(const std::string& flags);
// `read_ns`: of one clock_gettime().
Finding judge_clock(const std::string& source, int64_t read_ns);

// All of them, of this machine.
std::vector<Finding> examine_machine();

}  // namespace saker::app
