#include "saker/rpc/packer.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

namespace saker::rpc {
namespace {

using grpc::Compression;

constexpr size_t kLimit = 1 << 20;

std::string noise(size_t size) {
  std::mt19937 random(7);
  std::string out(size, '\0');
  for (char& byte : out) byte = static_cast<char>(random());
  return out;
}

// As append() made it: the flag, and what stands behind the prefix.
struct Packed {
  bool compressed = false;
  std::string content;
};

class PackerTest : public testing::TestWithParam<Compression> {
 protected:
  Packed pack(const std::string& message) {
    ChunkQueue out(pool_);
    packer_.append(GetParam(), as_bytes(message), out);
    std::string bytes(out.size(), '\0');
    out.copy_to({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
    const auto* prefix = reinterpret_cast<const uint8_t*>(bytes.data());
    EXPECT_EQ(load_be32(prefix + 1), bytes.size() - grpc::kMessagePrefixBytes);
    return {prefix[0] != 0, bytes.substr(grpc::kMessagePrefixBytes)};
  }
  Unpacked unpack(const std::string& content, size_t limit = kLimit) {
    grpc::ReceivedMessage message;
    message.contiguous = as_bytes(content);
    message.size = content.size();
    return packer_.unpack(GetParam(), message, limit, out_);
  }
  // The same in chunks of `step` bytes.
  Unpacked unpack_chunks(const std::string& content, size_t step) {
    ChunkQueue chunks(pool_);
    for (size_t at = 0; at < content.size(); at += step) {
      const std::string part = content.substr(at, step);
      Chunk* chunk = pool_.get(part.size());
      std::memcpy(chunk->storage, part.data(), part.size());
      chunk->end = static_cast<uint32_t>(part.size());
      chunks.append(chunk);
    }
    grpc::ReceivedMessage message;
    message.chunks = &chunks;
    message.size = content.size();
    return packer_.unpack(GetParam(), message, kLimit, out_);
  }

  ChunkPool pool_;
  Packer packer_;
  std::string out_;
};

INSTANTIATE_TEST_SUITE_P(Encodings, PackerTest,
                         testing::Values(Compression::kDeflate, Compression::kGzip),
                         [](const auto& which) {
                           return std::string(grpc::compression_name(which.param));
                         });

TEST_P(PackerTest, GoesThereAndBackAgain) {
  for (const size_t size : {size_t{100}, size_t{4096}, size_t{70'000}, kLimit}) {
    const std::string message(size, 'm');
    const Packed packed = pack(message);
    EXPECT_TRUE(packed.compressed);
    EXPECT_LT(packed.content.size(), size);
    ASSERT_EQ(unpack(packed.content), Unpacked::kOk);
    EXPECT_EQ(out_, message);
  }
}

TEST_P(PackerTest, WhatDoesNotGetSmallerStaysAsItIs) {
  for (const std::string& message : {std::string(), std::string("x"), noise(5000)}) {
    const Packed packed = pack(message);
    EXPECT_FALSE(packed.compressed);
    EXPECT_EQ(packed.content, message);
  }
}

// RFC 1952 section 2.3.1 and RFC 1950 section 2.2, so that no two unlike readings agree by chance.
TEST_P(PackerTest, WritesTheFormatOfItsName) {
  const Packed packed = pack(std::string(1000, 'f'));
  const auto first = static_cast<uint8_t>(packed.content[0]);
  const auto second = static_cast<uint8_t>(packed.content[1]);
  if (GetParam() == Compression::kGzip) {
    EXPECT_EQ(first, 0x1F);
    EXPECT_EQ(second, 0x8B);
  } else {
    EXPECT_EQ(first & 0x0F, Z_DEFLATED);
    EXPECT_EQ((first * 256 + second) % 31, 0);
  }
}

TEST_P(PackerTest, ChunksMayBeCutAnywhere) {
  std::string message = noise(300);
  message += std::string(5000, 'c') + message;
  const Packed packed = pack(message);
  ASSERT_TRUE(packed.compressed);
  for (size_t step = 1; step <= packed.content.size(); ++step) {
    out_.clear();
    ASSERT_EQ(unpack_chunks(packed.content, step), Unpacked::kOk) << step;
    ASSERT_EQ(out_, message) << step;
  }
}

TEST_P(PackerTest, TheLimitIsExact) {
  const Packed packed = pack(std::string(kLimit, 'l'));
  EXPECT_EQ(unpack(packed.content, kLimit), Unpacked::kOk);
  EXPECT_EQ(unpack(packed.content, kLimit - 1), Unpacked::kTooLarge);
  EXPECT_LE(out_.size(), kLimit);
  EXPECT_EQ(unpack(pack(std::string(100, 'l')).content, 0), Unpacked::kTooLarge);
}

TEST_P(PackerTest, EveryCutIsBroken) {
  const std::string content = pack(std::string(2000, 'b') + noise(100)).content;
  for (size_t size = 0; size < content.size(); ++size) {
    ASSERT_EQ(unpack(content.substr(0, size)), Unpacked::kBroken) << size;
  }
  EXPECT_EQ(unpack(content), Unpacked::kOk);
}

TEST_P(PackerTest, BytesBehindTheEndAreBroken) {
  const std::string content = pack(std::string(2000, 'b')).content;
  EXPECT_EQ(unpack(content + "x"), Unpacked::kBroken);
  EXPECT_EQ(unpack(content + content), Unpacked::kBroken);
  EXPECT_EQ(unpack_chunks(content + "x", content.size()), Unpacked::kBroken);
}

TEST_P(PackerTest, EveryChangedByteIsSeenOrHarmless) {
  const std::string message = std::string(500, 'd') + noise(60);
  const std::string content = pack(message).content;
  for (size_t at = 0; at < content.size(); ++at) {
    std::string changed = content;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    // gzip's header has fields that mean nothing to the content: time and system.
    if (unpack(changed) == Unpacked::kOk) {
      EXPECT_EQ(out_, message) << at;
    }
  }
  EXPECT_EQ(unpack(noise(1000)), Unpacked::kBroken);
}

TEST_P(PackerTest, WorksAgainAfterAFailureAndAfterGivingMemoryBack) {
  const std::string message(3000, 'a');
  const std::string content = pack(message).content;
  EXPECT_EQ(unpack("broken"), Unpacked::kBroken);
  EXPECT_EQ(unpack(content), Unpacked::kOk);
  packer_.release_memory();
  EXPECT_EQ(unpack(content), Unpacked::kOk);
  EXPECT_EQ(pack(message).content, content);
}

// However little is done at a time, what comes out is the same; and each byte counts.
TEST_P(PackerTest, GoesOnInParts) {
  const std::string noisy = noise(100'000) + std::string(300'000, 'n');
  const Packed packed = pack(noisy);
  for (const size_t part : {size_t{1}, size_t{1000}, size_t{50'000}, size_t{10'000'000}}) {
    grpc::ReceivedMessage message;
    message.contiguous = as_bytes(packed.content);
    message.size = packed.content.size();
    Unpacking unpacking(packer_, GetParam(), message, kLimit, out_);
    size_t parts = 0;
    Unpacked result = Unpacked::kNotYet;
    for (; result == Unpacked::kNotYet; ++parts) {
      size_t most = part;
      result = unpacking.go_on(most);
      if (parts == 0) unpacking.keep_input();
    }
    EXPECT_EQ(result, Unpacked::kOk) << part;
    EXPECT_EQ(out_, noisy) << part;
    const size_t cost =
        message.size * Unpacking::kPackedCost + noisy.size() * Unpacking::kUnpackedCost;
    EXPECT_LE(parts, cost / part + 2) << part;
    EXPECT_GE(parts, cost / (part + Unpacking::kPackedCost * 2) / 2) << part;
  }
}

// Its last part ends with it, though nothing is left to spend.
TEST_P(PackerTest, CountsWhatItHasDone) {
  const Packed packed = pack(std::string(1000, 'm'));
  grpc::ReceivedMessage message;
  message.contiguous = as_bytes(packed.content);
  message.size = packed.content.size();
  const size_t cost = message.size * Unpacking::kPackedCost + 1000 * Unpacking::kUnpackedCost;
  size_t most = cost;
  EXPECT_EQ(Unpacking(packer_, GetParam(), message, kLimit, out_).go_on(most), Unpacked::kOk);
  EXPECT_EQ(most, 0u);
  most = cost + 1;
  EXPECT_EQ(Unpacking(packer_, GetParam(), message, kLimit, out_).go_on(most), Unpacked::kOk);
  EXPECT_EQ(most, 1u);
}

// Two at once, each with a state of its own.
TEST_P(PackerTest, OneMayBeginWhileAnotherWaits) {
  const Packed first = pack(noise(50'000) + std::string(100'000, 'a'));
  const Packed second = pack(std::string(100'000, 'b'));
  grpc::ReceivedMessage message;
  message.contiguous = as_bytes(first.content);
  message.size = first.content.size();
  Unpacking waiting(packer_, GetParam(), message, kLimit, out_);
  size_t most = 10'000;
  ASSERT_EQ(waiting.go_on(most), Unpacked::kNotYet);
  std::string other;
  grpc::ReceivedMessage whole;
  whole.contiguous = as_bytes(second.content);
  whole.size = second.content.size();
  EXPECT_EQ(packer_.unpack(GetParam(), whole, kLimit, other), Unpacked::kOk);
  EXPECT_EQ(other, std::string(100'000, 'b'));
  most = SIZE_MAX;
  EXPECT_EQ(waiting.go_on(most), Unpacked::kOk);
  EXPECT_EQ(out_.substr(50'000), std::string(100'000, 'a'));
}

}  // namespace
}  // namespace saker::rpc
