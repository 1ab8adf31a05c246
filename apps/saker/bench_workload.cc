#include "bench_workload.h"

namespace saker::app {

// Bytes that no compressor or parser finds convenient, the same in every run.
EchoWorkload::EchoWorkload(size_t payload_bytes) : payload_(payload_bytes, '\0') {
  uint64_t state = 0x9E3779B97F4A7C15;
  for (char& byte : payload_) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<char>(state >> 56);
  }
}

const rpc::ClientMethod& EchoWorkload::method() {
  static const rpc::ClientMethod echo("/saker.echo.v1.Echo/Echo");
  return echo;
}

}  // namespace saker::app
