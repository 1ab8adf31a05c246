// ReflectionDatabase: protobuf's descriptor database over a server's reflection. Every file that
// came is kept and indexed, every name that the server does not know is asked for once. A standard
// file that a server does not hand out (google/protobuf/…) is taken from this program.
#pragma once

#include <google/protobuf/descriptor_database.h>

#include <set>
#include <string>
#include <vector>

#include "reflection_client.h"

namespace saker::app {

class ReflectionDatabase final : public google::protobuf::DescriptorDatabase {
 public:
  using File = google::protobuf::FileDescriptorProto;

  explicit ReflectionDatabase(ClientSession& session) : client_(session) {}

  bool FindFileByName(const std::string& name, File* out) override;
  bool FindFileContainingSymbol(const std::string& symbol, File* out) override;
  bool FindFileContainingExtension(const std::string& type, int number, File* out) override;

  Result<std::vector<std::string>> list_services();
  // The last question that got no answer; success where none did.
  Result<void> state() const { return state_; }
  const grpc::Status& status() const { return client_.status(); }
  // Asks no more, and is then safe for several threads.
  void seal();

 private:
  // True: the server's answer had files, which are in known_ now.
  bool fetch(const std::string& key, const ReflectionRequest& request);
  bool keep(const ReflectionResponse& response);

  ReflectionClient client_;
  google::protobuf::SimpleDescriptorDatabase known_;
  std::set<std::string> names_;    // of the files in known_
  std::set<std::string> unknown_;  // keys of questions that the server had no answer to
  Result<void> state_;
  bool sealed_ = false;
};

}  // namespace saker::app
