#include "engines.h"

#include "saker/net/sim_stream.h"

namespace saker::simulation {
namespace {

// An explicit instantiation may name what is private ([temp.spec.general]): each tag's member() hands
// it out.
template <typename Tag, auto kMember>
struct Open {
  friend constexpr auto member(Tag) { return kMember; }
};

struct OfLoop {
  friend constexpr auto member(OfLoop);
};
struct OfServer {
  friend constexpr auto member(OfServer);
};
struct OfChannel {
  friend constexpr auto member(OfChannel);
};
struct OfSubchannel {
  friend constexpr auto member(OfSubchannel);
};
struct OfClient {
  friend constexpr auto member(OfClient);
};
struct OfStream {
  friend constexpr auto member(OfStream);
};
template struct Open<OfLoop, &rpc::ServerLoop::connections_>;
template struct Open<OfServer, &rpc::ServerConnection::stream_>;
template struct Open<OfChannel, &rpc::Channel::subchannels_>;
template struct Open<OfSubchannel, &rpc::Subchannel::connections_>;
template struct Open<OfClient, &rpc::ClientConnection::stream_>;
template struct Open<OfStream, &net::SimStream::connection_>;

uint64_t id_of(const net::Stream& stream) {
  return static_cast<const net::SimStream&>(stream).*member(OfStream{});
}

}  // namespace

void each_connection(rpc::ServerLoop& server, const VisitServer& visit) {
  (server.*member(OfLoop{})).for_each([&](rpc::ServerConnection& connection) {
    visit(id_of(*(connection.*member(OfServer{}))), connection);
  });
}

void each_connection(rpc::Channel& channel, const VisitClient& visit) {
  for (const auto& subchannel : channel.*member(OfChannel{})) {
    for (const auto& connection : (*subchannel).*member(OfSubchannel{})) {
      visit(id_of(*((*connection).*member(OfClient{}))), *connection);
    }
  }
}

}  // namespace saker::simulation
