#include "saker/net/failure_text.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace saker::net {
namespace {

TEST(ConnectError, NobodyListensIsTheSameWordsEverywhere) {
  EXPECT_EQ(connect_error_text(Transport::kTcp, ECONNREFUSED),
            "nobody listens there (Connection refused)");
  EXPECT_EQ(connect_error_text(Transport::kUnixAbstract, ECONNREFUSED),
            "nobody listens there (Connection refused)");
  EXPECT_EQ(connect_error_text(Transport::kUnix, ENOENT),
            "nobody listens there (No such file or directory)");
  EXPECT_EQ(connect_error_text(Transport::kVsock, ECONNRESET),
            "nobody listens there (Connection reset by peer)");
}

TEST(ConnectError, WhatOnlyOneTransportKnows) {
  EXPECT_EQ(connect_error_text(Transport::kVsock, ENODEV),
            "no such virtual machine, or this kernel has no VSOCK device (No such device)");
  EXPECT_EQ(connect_error_text(Transport::kVsock, ETIMEDOUT),
            "no answer in time; the virtual machine is not up yet, or there is none "
            "(Connection timed out)");
  EXPECT_EQ(connect_error_text(Transport::kVsockMux, ENOENT),
            "no multiplexer listens there (No such file or directory)");
}

TEST(EndText, APeerThatGoesAwayIsTheSameWordsEverywhere) {
  for (const int error : {0, ECONNRESET, EPIPE}) EXPECT_EQ(end_text(error), "closed by the peer");
  EXPECT_EQ(end_text(ETIMEDOUT), "Connection timed out");
}

TEST(ConnectError, OthersAreTheKernelsWords) {
  EXPECT_EQ(connect_error_text(Transport::kTcp, ECONNRESET), "connect: Connection reset by peer");
  EXPECT_EQ(connect_error_text(Transport::kUnix, EACCES), "connect: Permission denied");
}

}  // namespace
}  // namespace saker::net
