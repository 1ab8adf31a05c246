// grpc.testing.WorkerService (proto/grpc/testing/worker_service.proto): how a driver steers this
// process. One run at a time, of a server or of a client; another one, or QuitWorker meanwhile, is
// RESOURCE_EXHAUSTED. Belongs to the one loop that serves it.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "grpc/testing/worker_service.saker.h"
#include "saker/tls/context.h"
#include "worker_client.h"
#include "worker_config.h"
#include "worker_server.h"

namespace saker::app {

struct WorkerOptions {
  std::string host;          // where servers listen; empty: on all interfaces
  uint16_t server_port = 0;  // instead of what a driver says; 0: as it says
  Duration connect_timeout = std::chrono::seconds(10);
  tls::ServerContext server_tls;  // none: no server has TLS
  tls::ClientContext test_ca;     // none: no client has the test CA
  tls::ClientContext system_ca;   // for clients that trust what this machine trusts
  uint32_t cores = 1;

  WorkerMeans means() const {
    return {cores, static_cast<bool>(server_tls), static_cast<bool>(test_ca)};
  }
};

class WorkerService : public ::grpc::testing::UnimplementedWorkerService {
 public:
  // `quit` is called at most once, inside QuitWorker's handler.
  WorkerService(const WorkerOptions& options, std::function<void()> quit)
      : options_(options), quit_(std::move(quit)) {}

  rpc::Task<grpc::Status> run_server(rpc::ServerContext& context,
                                     rpc::Reader<::grpc::testing::ServerArgs>& requests,
                                     rpc::Writer<::grpc::testing::ServerStatus>& replies);
  rpc::Task<grpc::Status> run_client(rpc::ServerContext& context,
                                     rpc::Reader<::grpc::testing::ClientArgs>& requests,
                                     rpc::Writer<::grpc::testing::ClientStatus>& replies);
  grpc::Status core_count(rpc::ServerContext& context, ::grpc::testing::CoreRequest& request,
                          ::grpc::testing::CoreResponse& response) const;
  grpc::Status quit_worker(rpc::ServerContext& context, ::grpc::testing::Void& request,
                           ::grpc::testing::Void& response);

 private:
  class Use;

  Result<std::unique_ptr<WorkerClient>> make_client(const ClientPlan& plan) const;
  rpc::Task<grpc::Status> connect(rpc::ServerContext& context, const WorkerClient& client) const;
  rpc::Task<grpc::Status> serve_marks(rpc::Reader<::grpc::testing::ServerArgs>& requests,
                                      rpc::Writer<::grpc::testing::ServerStatus>& replies,
                                      WorkerServer& server) const;
  rpc::Task<grpc::Status> serve_marks(rpc::ServerContext& context,
                                      rpc::Reader<::grpc::testing::ClientArgs>& requests,
                                      rpc::Writer<::grpc::testing::ClientStatus>& replies,
                                      WorkerClient& client) const;

  const WorkerOptions options_;
  std::function<void()> quit_;
  bool in_use_ = false;
};

}  // namespace saker::app
