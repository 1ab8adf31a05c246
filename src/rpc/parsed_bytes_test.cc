// What a message would take once parsed, before it is: small on the wire and large in memory, nested,
// packed, unknown, malformed, in one piece and in chunks.
#include "saker/rpc/parsed_bytes.h"

#include <gtest/gtest.h>

#include <string>

#include "saker/base/chunk.h"
#include "saker/crypto/v1/crypto.pb.h"
#include "saker/echo/v1/echo.pb.h"
#include "saker/rpc/codec.h"

namespace saker::rpc {
namespace {

using crypto::v1::SignBatchRequest;
using echo::v1::EchoRequest;

template <typename T>
size_t estimate(const std::string& bytes, size_t most = SIZE_MAX) {
  return parsed_bytes_of<T>({.contiguous = as_bytes(bytes), .size = bytes.size()}, most);
}

TEST(ParsedBytes, OfAStringAreHardlyMore) {
  EchoRequest request;
  request.set_payload(std::string(100'000, 'x'));
  const std::string bytes = request.SerializeAsString();
  EXPECT_GE(estimate<EchoRequest>(bytes), bytes.size());
  EXPECT_LE(estimate<EchoRequest>(bytes), bytes.size() + 1000);
}

TEST(ParsedBytes, OfManyObjectsAreAtLeastWhatTheyTake) {
  SignBatchRequest batch;
  for (int i = 0; i < 10'000; ++i) batch.add_requests();
  const std::string bytes = batch.SerializeAsString();
  EXPECT_EQ(bytes.size(), 20'000u);
  EXPECT_GE(estimate<SignBatchRequest>(bytes), batch.SpaceUsedLong());
  for (auto& request : *batch.mutable_requests())
    request.set_message("some text that is not short");
  EXPECT_GE(estimate<SignBatchRequest>(batch.SerializeAsString()), batch.SpaceUsedLong());
}

TEST(ParsedBytes, StopAtTheMost) {
  SignBatchRequest batch;
  for (int i = 0; i < 1'000'000; ++i) batch.add_requests();
  const std::string bytes = batch.SerializeAsString();
  const size_t found = estimate<SignBatchRequest>(bytes, 3'000'000);
  EXPECT_GT(found, 3'000'000u);
  EXPECT_LT(found, 3'001'000u);
}

TEST(ParsedBytes, OfUnknownFieldsCountToo) {
  std::string numbers;
  for (int i = 0; i < 1000; ++i) numbers += std::string("\x78\x01", 2);  // field 15, a number
  EXPECT_GE(estimate<EchoRequest>(numbers), 1000u * 16);
  std::string strings;
  for (int i = 0; i < 1000; ++i) strings += std::string("\x7a\x00", 2);  // field 15, a string
  EXPECT_GE(estimate<EchoRequest>(strings), 1000u * 64);
}

TEST(ParsedBytes, OfWhatDoesNotParseAreCountedAsFarAsItGoes) {
  for (const char* text : {"\xff", "\x0a\xff\xff\xff\xff\x0f", "\x0a\x7f", "\x0c", "\x00"}) {
    const std::string bytes(text);
    EXPECT_LT(estimate<SignBatchRequest>(bytes), 1000u);
  }
}

TEST(ParsedBytes, InChunks) {
  SignBatchRequest batch;
  for (int i = 0; i < 10'000; ++i) batch.add_requests()->set_message("0123456789");
  const std::string bytes = batch.SerializeAsString();
  ChunkPool pool;
  ChunkQueue chunks(pool);
  chunks.append(as_bytes(bytes));
  grpc::ReceivedMessage message;
  message.chunks = &chunks;
  message.size = bytes.size();
  EXPECT_EQ(parsed_bytes_of<SignBatchRequest>(message, SIZE_MAX),
            estimate<SignBatchRequest>(bytes));
}

TEST(ParsedBytes, OfRawBytesAreThoseBytes) {
  EXPECT_EQ(estimate<RawMessage>(std::string(1000, '\x0a')), 1000u);
}

}  // namespace
}  // namespace saker::rpc
