// Encoding names and accept lists, as real peers write them.
// gRPC compression.md.
#include "saker/grpc/compression.h"

#include <gtest/gtest.h>

namespace saker::grpc {
namespace {

CompressionSet set_of(std::initializer_list<Compression> members) {
  CompressionSet set;
  for (const Compression member : members) set.add(member);
  return set;
}

TEST(Compression, NamesRoundTrip) {
  for (const auto compression :
       {Compression::kIdentity, Compression::kDeflate, Compression::kGzip}) {
    EXPECT_EQ(parse_compression(compression_name(compression)), compression);
  }
  for (const char* name : {"", "br", "zstd", "GZIP", "gzip ", "x-gzip", "snappy"}) {
    EXPECT_EQ(parse_compression(name), std::nullopt) << name;
  }
}

TEST(Compression, AcceptListIsParsed) {
  using enum Compression;
  EXPECT_EQ(parse_accept_encoding(""), set_of({}));
  EXPECT_EQ(parse_accept_encoding("identity"), set_of({}));
  EXPECT_EQ(parse_accept_encoding("identity, deflate, gzip"), set_of({kDeflate, kGzip}));
  EXPECT_EQ(parse_accept_encoding("gzip"), set_of({kGzip}));
  EXPECT_EQ(parse_accept_encoding("\tgzip\t,,snappy , deflate,"), set_of({kDeflate, kGzip}));
  EXPECT_EQ(parse_accept_encoding("zstd;q=1, gzipx"), set_of({}));
  EXPECT_TRUE(parse_accept_encoding("br").contains(kIdentity));
}

TEST(Compression, AcceptListRoundTrips) {
  using enum Compression;
  for (const auto& set :
       {set_of({}), set_of({kDeflate}), set_of({kGzip}), set_of({kDeflate, kGzip})}) {
    EXPECT_EQ(parse_accept_encoding(encode_accept_encoding(set)), set);
  }
  EXPECT_EQ(encode_accept_encoding(set_of({kGzip})), "identity,gzip");
}

}  // namespace
}  // namespace saker::grpc
