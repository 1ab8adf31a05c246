#include "tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace saker::app {
namespace {

// docs/limits.md.
TEST(TlsFiles, HaveAMebibyteAtMost) {
  const std::string path = testing::TempDir() + "saker_pem_" + std::to_string(getpid());
  const auto read = [&path](size_t size) {
    std::ofstream(path, std::ios::trunc) << std::string(size, 'x');
    return read_pem("--tls-cert", path);
  };
  const auto largest = read(size_t{1} << 20);
  ASSERT_TRUE(largest) << largest.error().message;
  EXPECT_EQ(largest->text.size(), size_t{1} << 20);
  const auto larger = read((size_t{1} << 20) + 1);
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().message, "--tls-cert " + path + ": more than 1MiB");
  std::remove(path.c_str());
}

}  // namespace
}  // namespace saker::app
