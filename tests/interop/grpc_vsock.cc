#include "grpc_vsock.h"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/server_posix.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>
// After <sys/socket.h>, which it needs.
#include <linux/vm_sockets.h>

namespace interop {
namespace {

constexpr std::string_view kScheme = "vsock:";
constexpr int kBacklog = 1024;

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

void accept_for(int listener, grpc::Server& server) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) grpc::AddInsecureChannelFromFd(&server, fd);
  }
}

}  // namespace

bool is_vsock(const std::string& address) {
  return address.starts_with(kScheme);
}

std::string listen_vsock(const std::string& address, grpc::Server& server) {
  sockaddr_vm at = parse(address);
  socklen_t size = sizeof at;
  auto* generic = reinterpret_cast<sockaddr*>(&at);
  const int fd = ::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::bind(fd, generic, size) != 0 || ::listen(fd, kBacklog) != 0) return {};
  if (getsockname(fd, generic, &size) != 0) return {};
  std::thread(accept_for, fd, std::ref(server)).detach();
  return std::string(kScheme) + std::to_string(at.svm_cid) + ":" + std::to_string(at.svm_port);
}

std::shared_ptr<grpc::Channel> connect_vsock(const std::string& address) {
  const sockaddr_vm to = parse(address);
  const int fd = ::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return {};
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return grpc::CreateInsecureChannelFromFd(address, fd);
}

}  // namespace interop
