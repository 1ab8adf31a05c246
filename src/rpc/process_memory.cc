#include "saker/rpc/process_memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "saker/net/descriptor.h"

namespace saker::rpc {
namespace {

class OwnProcessMemory final : public ProcessMemory {
 public:
  OwnProcessMemory()
      : statm_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)),
        page_bytes_(static_cast<uint64_t>(sysconf(_SC_PAGESIZE))) {
    const Pages pages = read();
    const struct mallinfo2 heap = mallinfo2();
    const uint64_t anonymous = pages.resident - pages.shared;
    beyond_heap_ = anonymous - std::min<uint64_t>(anonymous, heap.arena + heap.hblkhd);
  }

  uint64_t resident_bytes() override { return read().resident; }

  // Files and what is neither file nor heap (stacks, data of libraries), and what of the heap is
  // allocated. Under sanitizers, whose heap tells nothing, all that is resident.
  uint64_t in_use_bytes() override {
    const Pages pages = read();
    const struct mallinfo2 heap = mallinfo2();
    if (heap.uordblks == 0) return pages.resident;
    return std::min(pages.resident, pages.shared + beyond_heap_ + heap.uordblks + heap.hblkhd);
  }

  void give_back() override { malloc_trim(0); }

 private:
  struct Pages {
    uint64_t resident = 0;
    uint64_t shared = 0;  // of files, and shared memory
  };

  // proc(5), /proc/pid/statm: size, resident, shared, in pages. Where there is no /proc, nothing is known
  // and nothing refused.
  Pages read() {
    char text[128] = {};
    if (::pread(statm_.get(), text, sizeof text - 1, 0) <= 0) return {};
    unsigned long long resident = 0;
    unsigned long long shared = 0;
    if (std::sscanf(text, "%*u %llu %llu", &resident, &shared) != 2) return {};
    return {resident * page_bytes_, std::min(shared, resident) * page_bytes_};
  }

  net::Descriptor statm_;
  const uint64_t page_bytes_;
  uint64_t beyond_heap_ = 0;
};

}  // namespace

std::unique_ptr<ProcessMemory> own_process_memory() {
  return std::make_unique<OwnProcessMemory>();
}

}  // namespace saker::rpc
