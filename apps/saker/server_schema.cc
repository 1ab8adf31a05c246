#include "server_schema.h"

#include "reflection_database.h"
#include "schema_errors.h"

namespace saker::app {
namespace {

class ServerSchema final : public Schema {
 public:
  explicit ServerSchema(ClientSession& session)
      : session_(session), database_(session), pool_(&database_, &errors_) {}

  const pb::DescriptorPool& pool() const override { return pool_; }
  Result<std::vector<std::string>> service_names() override { return database_.list_services(); }
  std::string source_name() const override { return session_.channel().target_name(); }
  Result<void> state() const override {
    if (auto state = database_.state(); !state) return state;
    if (!errors_.text().empty()) {
      return fail("server reflection of " + source_name() + " does not hold together\n" +
                  errors_.text());
    }
    return {};
  }
  // A server that has no reflection has answered; one that has not is a call that failed.
  int exit_code() const override {
    if (session_.interrupted()) return kExitInterrupted;
    const grpc::Status& status = database_.status();
    if (status.ok() || status.code == grpc::StatusCode::kUnimplemented) return kExitUsage;
    return exit_code_of(status);
  }
  void seal() override { database_.seal(); }

 private:
  ClientSession& session_;
  ReflectionDatabase database_;
  SchemaErrors errors_;
  const pb::DescriptorPool pool_;
};

}  // namespace

std::unique_ptr<Schema> make_server_schema(ClientSession& session) {
  return std::make_unique<ServerSchema>(session);
}

}  // namespace saker::app
