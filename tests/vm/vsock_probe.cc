// Proves that the VM of the tests has a working AF_VSOCK, so that a transport test that finds none
// there is a failure and never a silent skip. Kernel interface only (vsock(7)): no code of Saker's.
//
//   vsock_probe self       one greeting over CID 1, both ends in this process
//   vsock_probe serve      answers one client on any CID and prints the peer's
//   vsock_probe call CID   sends the greeting there and expects it back
#include <linux/vm_sockets.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr unsigned kPort = 5005;
constexpr std::string_view kGreeting = "hello over vsock";
constexpr int kConnectTries = 100;
constexpr useconds_t kRetryDelayUs = 50'000;

// Prints what failed and why; the exit code is 1.
bool failed(const char* what) {
  std::fprintf(stderr, "vsock_probe: %s: %s\n", what, std::strerror(errno));
  return false;
}

sockaddr_vm address(unsigned cid) {
  sockaddr_vm result{};
  result.svm_family = AF_VSOCK;
  result.svm_cid = cid;
  result.svm_port = kPort;
  return result;
}

int open_listener() {
  int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_vm any = address(VMADDR_CID_ANY);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0 ||
      listen(fd, 1) != 0) {
    failed("listen");
    return -1;
  }
  return fd;
}

// While the other machine boots, connect fails with ENODEV, ETIMEDOUT or ECONNRESET: tried again.
int connect_to(unsigned cid) {
  sockaddr_vm peer = address(cid);
  for (int tries = 0; tries < kConnectTries; ++tries) {
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) break;
    if (connect(fd, reinterpret_cast<sockaddr*>(&peer), sizeof peer) == 0) return fd;
    close(fd);
    usleep(kRetryDelayUs);
  }
  failed("connect");
  return -1;
}

bool send_greeting(int fd) {
  ssize_t sent = send(fd, kGreeting.data(), kGreeting.size(), MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(kGreeting.size()) || failed("send");
}

bool expect_greeting(int fd) {
  char buffer[kGreeting.size()];
  ssize_t received = recv(fd, buffer, sizeof buffer, MSG_WAITALL);
  if (received != static_cast<ssize_t>(sizeof buffer)) return failed("recv");
  return std::string_view(buffer, sizeof buffer) == kGreeting || failed("greeting differs");
}

bool answer_one(int listener) {
  sockaddr_vm peer{};
  socklen_t size = sizeof peer;
  int fd = accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC);
  if (fd < 0) return failed("accept");
  std::printf("peer cid %u\n", peer.svm_cid);
  return expect_greeting(fd) && send_greeting(fd);
}

bool serve() {
  int listener = open_listener();
  return listener >= 0 && answer_one(listener);
}

bool call(unsigned cid) {
  int fd = connect_to(cid);
  return fd >= 0 && send_greeting(fd) && expect_greeting(fd);
}

bool talk_to_self() {
  int listener = open_listener();
  if (listener < 0) return false;
  int fd = connect_to(VMADDR_CID_LOCAL);
  return fd >= 0 && send_greeting(fd) && answer_one(listener) && expect_greeting(fd);
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "self") return talk_to_self() ? 0 : 1;
  if (mode == "serve") return serve() ? 0 : 1;
  if (mode == "call" && argc == 3) {
    return call(static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10))) ? 0 : 1;
  }
  std::fprintf(stderr, "usage: vsock_probe self | serve | call CID\n");
  return 2;
}
