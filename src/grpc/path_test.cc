// Splitting :path: the one good shape, and every near miss.
// Nothing is decoded or folded: what access control sees is what the router sees.
#include "saker/grpc/path.h"

#include <gtest/gtest.h>

namespace saker::grpc {
namespace {

TEST(Path, SplitsServiceAndMethod) {
  const auto path = split_path("/saker.echo.v1.EchoService/Echo");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->service, "saker.echo.v1.EchoService");
  EXPECT_EQ(path->method, "Echo");
  const auto shortest = split_path("/s/m");
  ASSERT_TRUE(shortest);
  EXPECT_EQ(shortest->service, "s");
  EXPECT_EQ(shortest->method, "m");
}

TEST(Path, RefusesAnyOtherNumberOfPartsAndEmptyOnes) {
  for (const char* path : {"", "/", "//", "///", "/S", "/S/", "//M", "S/M", "S", "/S/M/", "/S/M/x",
                           "//S/M", "/S//M", "/S//", "*", "http://host/S/M"}) {
    EXPECT_FALSE(split_path(path)) << path;
  }
}

TEST(Path, DecodesNothing) {
  const auto path = split_path("/S%2FM/..");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->service, "S%2FM");
  EXPECT_EQ(path->method, "..");
}

}  // namespace
}  // namespace saker::grpc
