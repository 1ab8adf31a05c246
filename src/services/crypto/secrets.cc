#include "saker/services/crypto/secrets.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace saker::crypto {
namespace {

constexpr char kUnlocked[] =
    "memory is not locked and may be paged out: raise RLIMIT_MEMLOCK (systemd: "
    "LimitMEMLOCK=infinity) or grant CAP_IPC_LOCK";

// Whether locked memory may still grow past the limit. With MCL_FUTURE in force and a finite
// RLIMIT_MEMLOCK, a process without CAP_IPC_LOCK gets EAGAIN from later mmap calls (mmap(2)):
// thread stacks and heap growth would fail at some random later moment. An inaccessible mapping
// larger than the limit finds out now, and costs no memory.
bool locked_memory_may_grow() {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return false;
  if (limit.rlim_cur == RLIM_INFINITY) return true;
  const size_t size = static_cast<size_t>(limit.rlim_cur) + 4096;
  void* probe = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (probe == MAP_FAILED) return false;
  (void)munmap(probe, size);  // cannot fail: it is a whole mapping
  return true;
}

void raise_to_hard_limit(int resource) {
  rlimit limit{};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  // Cannot fail: up to the hard limit anybody may. locked_memory_may_grow() sees what came of it.
  (void)setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

// MCL_ONFAULT: pages are locked as they are touched,
// so that reserved but unused stacks do not become resident.
bool lock_memory() {
  raise_to_hard_limit(RLIMIT_MEMLOCK);
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) return false;
  if (locked_memory_may_grow()) return true;
  (void)munlockall();  // fails only before Linux 2.6.9
  return false;
}

// ---- the allocator; its functions are OpenSSL's CRYPTO_{malloc,realloc,free}_fn

thread_local int wiping_scopes = 0;

void* allocate(size_t size, const char*, int) {
  return std::malloc(size);
}

void release(void* memory, const char*, int) {
  if (wiping_scopes > 0 && memory != nullptr) explicit_bzero(memory, malloc_usable_size(memory));
  std::free(memory);
}

// realloc(3) may move, and leaves behind what it moved.
void* reallocate(void* memory, size_t size, const char* file, int line) {
  if (wiping_scopes == 0 || memory == nullptr) return std::realloc(memory, size);
  const size_t before = malloc_usable_size(memory);
  if (size <= before && size != 0) return memory;
  void* const moved = size == 0 ? nullptr : std::malloc(size);
  if (moved == nullptr && size != 0) return nullptr;
  if (moved != nullptr) std::memcpy(moved, memory, before);
  release(memory, file, line);
  return moved;
}

}  // namespace

bool install_wiping_allocator() {
  return CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
}

WipeFreedMemory::WipeFreedMemory() {
  ++wiping_scopes;
}

WipeFreedMemory::~WipeFreedMemory() {
  --wiping_scopes;
}

void wipe(MutableBytes bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

std::vector<std::string> harden_process() {
  std::vector<std::string> shortfalls;
  const auto note = [&](const std::string& what) {
    shortfalls.push_back(what + ": " + strerror(errno));
  };
  if (!install_wiping_allocator())
    shortfalls.emplace_back("freed memory of OpenSSL is not wiped: it was in use already");
  const rlimit no_core{0, 0};
  if (setrlimit(RLIMIT_CORE, &no_core) != 0) note("core dumps could not be turned off");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) note("the process could not be made undumpable");
  if (!lock_memory()) shortfalls.emplace_back(kUnlocked);
  return shortfalls;
}

}  // namespace saker::crypto
