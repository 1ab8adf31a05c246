// The three mappings from HTTP: status, RST_STREAM code, content-type; whole tables, since each row
// is a promise to peers. gRPC http-grpc-status-mapping.md, PROTOCOL-HTTP2.md "Errors".
#include "saker/grpc/http.h"

#include <gtest/gtest.h>

#include <map>

namespace saker::grpc {
namespace {

TEST(Http, StatusTable) {
  const std::map<int, StatusCode> named = {
      {400, StatusCode::kInternal},         {401, StatusCode::kUnauthenticated},
      {403, StatusCode::kPermissionDenied}, {404, StatusCode::kUnimplemented},
      {429, StatusCode::kUnavailable},      {431, StatusCode::kInternal},
      {502, StatusCode::kUnavailable},      {503, StatusCode::kUnavailable},
      {504, StatusCode::kUnavailable},
  };
  for (int status = 0; status < 1000; ++status) {
    const auto row = named.find(status);
    EXPECT_EQ(status_from_http(status), row == named.end() ? StatusCode::kUnknown : row->second)
        << status;
  }
}

TEST(Http, ResetTable) {
  const std::map<uint32_t, StatusCode> named = {
      {7, StatusCode::kUnavailable},
      {8, StatusCode::kCancelled},
      {11, StatusCode::kResourceExhausted},
      {12, StatusCode::kPermissionDenied},
  };
  for (uint32_t code :
       {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 10u, 11u, 12u, 13u, 14u, 0xffffffffu}) {
    const auto row = named.find(code);
    EXPECT_EQ(status_from_reset(code), row == named.end() ? StatusCode::kInternal : row->second)
        << code;
  }
}

TEST(Http, ContentTypes) {
  const std::pair<const char*, ContentType> rows[] = {
      {"application/grpc", ContentType::kProto},
      {"application/grpc+proto", ContentType::kProto},
      {"application/grpc;charset=utf-8", ContentType::kProto},
      {"application/grpc ; charset=utf-8", ContentType::kProto},
      {"application/grpc+proto; v=1", ContentType::kProto},
      {"Application/GRPC+Proto", ContentType::kProto},
      {"application/grpc+json", ContentType::kJson},
      {"application/grpc+json;x", ContentType::kJson},
      {"application/grpc+thrift", ContentType::kOther},
      {"application/grpc+", ContentType::kOther},
      {"application/grpc+protobuf", ContentType::kOther},
      {"application/grpc-web", ContentType::kNotGrpc},
      {"application/grpc-web+proto", ContentType::kNotGrpc},
      {"application/grpcx", ContentType::kNotGrpc},
      {"application/grp", ContentType::kNotGrpc},
      {"application/json", ContentType::kNotGrpc},
      {"text/html; application/grpc", ContentType::kNotGrpc},
      {" application/grpc", ContentType::kNotGrpc},
      {";application/grpc", ContentType::kNotGrpc},
      {"", ContentType::kNotGrpc},
  };
  for (const auto& [value, type] : rows) EXPECT_EQ(classify_content_type(value), type) << value;
}

}  // namespace
}  // namespace saker::grpc
