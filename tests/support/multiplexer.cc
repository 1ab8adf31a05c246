// fake_multiplexer PATH: the VSOCK multiplexer of the transport tests, as a program. Who connects to
// PATH and says "CONNECT 52" is passed on to PATH_52. Ends when its stdin does.
#include <unistd.h>

#include <cstdio>

#include "saker/net/transport_harness.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fake_multiplexer PATH\n");
    return 2;
  }
  const saker::net::test::FakeMultiplexer multiplexer(argv[1]);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  _exit(0);  // connections that are open have threads that wait for them
}
