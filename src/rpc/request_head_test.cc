#include "saker/rpc/request_head.h"

#include <gtest/gtest.h>

#include <vector>

namespace saker::rpc {
namespace {

using grpc::Compression;

constexpr Time kNow{std::chrono::seconds(1000)};

RequestHead read(const std::vector<std::pair<std::string_view, std::string_view>>& pairs) {
  std::vector<hpack::Field> fields;
  for (const auto& [name, value] : pairs) {
    hpack::Field field{};
    field.name = name;
    field.value = value;
    field.token = hpack::token_of(name);
    fields.push_back(field);
  }
  return read_request_head(fields, kNow);
}

TEST(RequestHead, NothingIsNeitherPostNorGrpc) {
  const RequestHead head = read({});
  EXPECT_TRUE(head.path.empty());
  EXPECT_FALSE(head.is_post || head.is_grpc || head.bad_timeout || head.has_metadata);
  EXPECT_EQ(head.deadline, kNever);
  EXPECT_EQ(head.encoding, Compression::kIdentity);
  EXPECT_EQ(head.accepted, grpc::CompressionSet());
}

TEST(RequestHead, WhatEveryRequestHas) {
  const RequestHead head = read({{":method", "POST"},
                                 {":scheme", "http"},
                                 {":path", "/a.B/C"},
                                 {"te", "trailers"},
                                 {"content-type", "application/grpc+proto"},
                                 {"user-agent", "grpc-go/1"}});
  EXPECT_EQ(head.path, "/a.B/C");
  EXPECT_TRUE(head.is_post && head.is_grpc);
  EXPECT_FALSE(head.has_metadata);
  EXPECT_FALSE(read({{":method", "GET"}}).is_post);
  EXPECT_FALSE(read({{"content-type", "text/plain"}}).is_grpc);
}

TEST(RequestHead, TimeoutsCountFromTheHead) {
  EXPECT_EQ(read({{"grpc-timeout", "5S"}}).deadline, kNow + std::chrono::seconds(5));
  EXPECT_TRUE(read({{"grpc-timeout", "5"}}).bad_timeout);
  EXPECT_EQ(read({{"grpc-timeout", "5"}}).deadline, kNever);
}

TEST(RequestHead, Encodings) {
  const RequestHead head = read({{"grpc-encoding", "gzip"}, {"grpc-accept-encoding", "deflate"}});
  EXPECT_EQ(head.encoding, Compression::kGzip);
  EXPECT_TRUE(head.accepted.contains(Compression::kDeflate));
  EXPECT_FALSE(head.accepted.contains(Compression::kGzip));
  EXPECT_EQ(read({{"grpc-encoding", "br"}}).encoding, std::nullopt);
}

// Of gRPC's own names, handlers may see how often a call was tried before (gRFC A6).
TEST(RequestHead, MetadataIsWhatHasNoMeaningToUs) {
  EXPECT_TRUE(read({{"x-request-id", "1"}}).has_metadata);
  EXPECT_TRUE(read({{"grpc-previous-rpc-attempts", "1"}}).has_metadata);
  EXPECT_FALSE(read({{"grpc-trace-bin", "1"}}).has_metadata);
}

}  // namespace
}  // namespace saker::rpc
