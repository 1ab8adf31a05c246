#include "reaches.h"

#include <gtest/gtest.h>

namespace saker::app {
namespace {

bool reaches(const char* target, const char* listener) {
  return app::reaches(*net::parse_address(target), *net::parse_address(listener));
}

TEST(Reaches, WhatArrivesAtTheListener) {
  const struct {
    const char* target;
    const char* listener;
  } kCases[] = {
      {"127.0.0.1:1", "127.0.0.1:1"},
      {"127.0.0.1:1", "0.0.0.0:1"},
      {"127.9.9.9:1", "0.0.0.0:1"},
      {"0.0.0.0:1", "127.0.0.1:1"},
      {"0.0.0.0:1", "0.0.0.0:1"},
      {"localhost:1", "127.0.0.1:1"},
      {"localhost:1", "0.0.0.0:1"},
      {"127.0.0.1:1", "[::]:1"},
      {"[::1]:1", "[::]:1"},
      {"[0:0::1]:1", "[::1]:1"},
      {"unix:/run/s", "unix:/run/s"},
      {"unix:/proc/self/../uptime", "unix:/proc/uptime"},
      {"unix-abstract:s", "unix-abstract:s"},
      {"vsock:1:7", "vsock:any:7"},
      {"vsock:1:7", "vsock:local:7"},
  };
  for (const auto& test : kCases)
    EXPECT_TRUE(reaches(test.target, test.listener)) << test.target << ' ' << test.listener;
}

TEST(Reaches, WhatGoesElsewhere) {
  const struct {
    const char* target;
    const char* listener;
  } kCases[] = {
      {"127.0.0.1:1", "127.0.0.1:2"},
      {"127.0.0.1:1", "127.0.0.2:1"},
      {"192.0.2.1:1", "0.0.0.0:1"},   // RFC 5737: nobody's
      {"[2001:db8::1]:1", "[::]:1"},  // RFC 3849
      {"[::1]:1", "0.0.0.0:1"},       // from IPv4 to IPv6
      {"127.0.0.1:1", "[::1]:1"},
      {"example.invalid:1", "0.0.0.0:1"},
      {"unix:/proc/uptime", "unix:/proc/version"},
      {"unix:/s", "unix-abstract:/s"},
      {"vsock:1:7", "vsock:any:8"},
      {"vsock:4000000000:7", "vsock:any:7"},
      {"vsock:4000000000:7?to_host=1", "vsock:4000000000:7"},
      {"vsock-mux:/v.sock:7", "vsock-mux:/v.sock:7"},
      {"127.0.0.1:7", "vsock:any:7"},
  };
  for (const auto& test : kCases)
    EXPECT_FALSE(reaches(test.target, test.listener)) << test.target << ' ' << test.listener;
}

}  // namespace
}  // namespace saker::app
