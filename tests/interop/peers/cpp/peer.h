// What server and client share: command lines, files, and a look at whether a message came
// compressed. For that gRPC C++ names these two classes as friends, for its own tests.
#pragma once

#include <grpcpp/grpcpp.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

// In src/core/lib/surface/call.h, which is not installed. The flags of the message that was received
// last.
uint32_t grpc_call_test_only_get_message_flags(grpc_call* call);

namespace grpc::testing {

inline constexpr uint32_t kWasCompressed = 0x40000000u;  // GRPC_WRITE_INTERNAL_COMPRESS

class InteropServerContextInspector {
 public:
  explicit InteropServerContextInspector(const ServerContextBase& context) : context_(context) {}
  bool was_compressed() const {
    return (grpc_call_test_only_get_message_flags(context_.call_.call) & kWasCompressed) != 0;
  }

 private:
  const ServerContextBase& context_;
};

class InteropClientContextInspector {
 public:
  explicit InteropClientContextInspector(const ClientContext& context) : context_(context) {}
  bool was_compressed() const {
    return (grpc_call_test_only_get_message_flags(context_.call_) & kWasCompressed) != 0;
  }

 private:
  const ClientContext& context_;
};

}  // namespace grpc::testing

namespace peer {

struct Arguments {
  std::map<std::string, std::string> flags;  // --name value
  std::vector<std::string> rest;
  Arguments(int argc, char** argv) {
    for (int at = 1; at < argc; ++at) {
      const std::string word = argv[at];
      if (word.starts_with("--") && at + 1 < argc) {
        flags[word.substr(2)] = argv[++at];
      } else {
        rest.push_back(word);
      }
    }
  }
};

inline std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace peer
