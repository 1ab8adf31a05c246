// Does not compile, on purpose: the test looks for the name of the missing member
// in what the compiler says.
#include "awkward/nested_saker.saker.h"

struct Handlers {
  saker::grpc::Status pass(saker::rpc::ServerContext&, other::saker::Message&,
                           other::saker::Message&) {
    return {};
  }
};

void register_incomplete(saker::rpc::Dispatcher& dispatcher, Handlers& handlers) {
  other::saker::register_relay(dispatcher, handlers);
}
