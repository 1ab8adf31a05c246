#include "saker/services/crypto/secrets.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <string>
#include <vector>

namespace saker::crypto {
namespace {

TEST(SecretBytesTest, WipedOnDestruction) {
  alignas(SecretBytes<32>) unsigned char storage[sizeof(SecretBytes<32>)];
  auto* secret = new (storage) SecretBytes<32>;
  std::memset(secret->data(), 0x5a, secret->size());
  const volatile unsigned char* seen = storage;
  EXPECT_EQ(seen[0], 0x5a);
  secret->~SecretBytes();
  for (size_t i = 0; i < sizeof storage; ++i) EXPECT_EQ(seen[i], 0) << i;
}

// In a child: what it does to a process cannot be undone.
// Exit codes name the promise that was broken.
int hardened_child(rlim_t memlock_bytes) {
  const rlimit limit{memlock_bytes, memlock_bytes};
  if (memlock_bytes != RLIM_INFINITY && setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 1;
  auto shortfalls = harden_process();
  // Tests before this one have used OpenSSL; a server has not.
  std::erase_if(shortfalls, [](const std::string& text) {
    return text.find("freed memory of OpenSSL") != std::string::npos;
  });
  rlimit core{1, 1};
  if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0) return 2;
  if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 3;
  if (shortfalls.size() > 1) return 4;
  if (shortfalls.size() == 1 && shortfalls[0].find("RLIMIT_MEMLOCK") == std::string::npos) return 5;
  // Whatever was locked, later memory is to be had.
  void* later = mmap(nullptr, 64 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return later == MAP_FAILED ? 6 : 0;
}

TEST(HardenProcessTest, TurnsOffDumpsAndNeverStarvesTheProcess) {
  for (const rlim_t memlock_bytes : {RLIM_INFINITY, rlim_t{0}, rlim_t{64 << 10}, rlim_t{8 << 20}}) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) _exit(hardened_child(memlock_bytes));
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << status;
    EXPECT_EQ(WEXITSTATUS(status), 0) << memlock_bytes;
  }
}

}  // namespace
}  // namespace saker::crypto
