// RawMessage's codec where a message arrives in chunks, and an object is used again for a longer one.
#include <gtest/gtest.h>

#include "saker/rpc/codec.h"

namespace saker::rpc {
namespace {

TEST(RawMessageCodec, AnObjectThatWasUsedBeforeTakesALongerMessage) {
  ChunkPool pool;
  RawMessage message;
  // Less than twice as long as the one before: the string grows by more than it must.
  for (const size_t size : {size_t{70'000}, size_t{100'000}, size_t{199'999}, size_t{65'537}}) {
    const std::string bytes(size, static_cast<char>('a' + size % 26));
    ChunkQueue chunks(pool);
    chunks.append(as_bytes(bytes));
    grpc::ReceivedMessage received;
    received.chunks = &chunks;
    received.size = size;
    ASSERT_TRUE(Codec<RawMessage>::parse(received, message));
    ASSERT_EQ(message.bytes.size(), size);
    ASSERT_TRUE(message.bytes == bytes);
  }
}

}  // namespace
}  // namespace saker::rpc
