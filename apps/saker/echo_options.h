// What `saker echo` is asked to do.
#pragma once

#include <cstdint>
#include <string>

#include "saker/base/time.h"
#include "saker/grpc/compression.h"
#include "saker/grpc/metadata.h"
#include "target_options.h"

namespace saker::app {

struct EchoOptions {
  TargetOptions target;
  std::string payload;
  bool show_payload = false;  // it came as text from the command line
  uint64_t count = 1;
  Duration interval{0};
  Duration deadline = std::chrono::seconds(10);  // of each call; of the whole stream; 0: none
  bool wait_for_ready = false;
  bool stream = false;
  grpc::Metadata metadata;
  grpc::Compression compression = grpc::Compression::kIdentity;  // of requests
  bool json = false;
};

}  // namespace saker::app
