#include "grpc_vsock.h"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/server_posix.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
// After <sys/socket.h>, which it needs.
#include <linux/vm_sockets.h>

namespace interop {
namespace {

constexpr std::string_view kScheme = "vsock:";
constexpr int kBacklog = 1024;
constexpr int kStopCheckMs = 20;

unsigned number_of(const std::string& text) {
  if (text == "any") return VMADDR_PORT_ANY;
  if (text == "local") return VMADDR_CID_LOCAL;
  return static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, 10));
}

sockaddr_vm parse(const std::string& address) {
  const size_t colon = address.find(':', kScheme.size());
  sockaddr_vm out{};
  out.svm_family = AF_VSOCK;
  out.svm_cid = number_of(address.substr(kScheme.size(), colon - kScheme.size()));
  out.svm_port = number_of(address.substr(colon + 1));
  return out;
}

}  // namespace

bool is_vsock(const std::string& address) {
  return address.starts_with(kScheme);
}

VsockListener::VsockListener(const std::string& address, grpc::Server& server) {
  sockaddr_vm at = parse(address);
  socklen_t size = sizeof at;
  auto* generic = reinterpret_cast<sockaddr*>(&at);
  listener_ = ::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener_ < 0 || ::bind(listener_, generic, size) != 0) return;
  if (::listen(listener_, kBacklog) != 0 || getsockname(listener_, generic, &size) != 0) return;
  address_ = std::string(kScheme) + std::to_string(at.svm_cid) + ":" + std::to_string(at.svm_port);
  thread_ = std::thread([this, &server] { accept_for(server); });
}

VsockListener::~VsockListener() {
  stops_ = true;
  if (thread_.joinable()) thread_.join();
  if (listener_ >= 0) ::close(listener_);
}

void VsockListener::accept_for(grpc::Server& server) {
  pollfd waits{listener_, POLLIN, 0};
  while (!stops_) {
    if (poll(&waits, 1, kStopCheckMs) <= 0) continue;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) grpc::AddInsecureChannelFromFd(&server, fd);
  }
}

std::shared_ptr<grpc::Channel> connect_vsock(const std::string& address) {
  const sockaddr_vm to = parse(address);
  const int fd = ::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return {};
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return grpc::CreateInsecureChannelFromFd(address, fd);
}

}  // namespace interop
