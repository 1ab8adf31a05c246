// The examples of RFC 7541 appendix C: every block decoded, with the table's state behind each.
#include <gtest/gtest.h>

#include "saker/hpack/hpack_testing.h"

namespace saker::hpack {
namespace {

struct Step {
  const char* hex;
  TextFields fields;
  size_t table_bytes;
  size_t table_entries;
};

void run(TestDecoder& decoder, const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    ASSERT_TRUE(decoder.decode(from_hex(step.hex))) << decoder.why();
    EXPECT_EQ(decoder.fields(), step.fields);
    EXPECT_EQ(decoder.decoder.table_bytes(), step.table_bytes);
    EXPECT_EQ(decoder.decoder.table_entries(), step.table_entries);
    for (const Field& field : decoder.out.fields) EXPECT_TRUE(field.legal);
  }
}

const TextFields kFirstRequest = {
    {":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "www.example.com"}};
const TextFields kSecondRequest = {{":method", "GET"},
                                   {":scheme", "http"},
                                   {":path", "/"},
                                   {":authority", "www.example.com"},
                                   {"cache-control", "no-cache"}};
const TextFields kThirdRequest = {{":method", "GET"},
                                  {":scheme", "https"},
                                  {":path", "/index.html"},
                                  {":authority", "www.example.com"},
                                  {"custom-key", "custom-value"}};

const TextFields kFirstResponse = {{":status", "302"},
                                   {"cache-control", "private"},
                                   {"date", "Mon, 21 Oct 2013 20:13:21 GMT"},
                                   {"location", "https://www.example.com"}};
const TextFields kSecondResponse = {{":status", "307"},
                                    {"cache-control", "private"},
                                    {"date", "Mon, 21 Oct 2013 20:13:21 GMT"},
                                    {"location", "https://www.example.com"}};
const TextFields kThirdResponse = {
    {":status", "200"},
    {"cache-control", "private"},
    {"date", "Mon, 21 Oct 2013 20:13:22 GMT"},
    {"location", "https://www.example.com"},
    {"content-encoding", "gzip"},
    {"set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"}};

TEST(Rfc7541, C2LiteralWithIndexing) {
  TestDecoder decoder;
  run(decoder, {{"400a637573746f6d2d6b65790d637573746f6d2d686561646572",
                 {{"custom-key", "custom-header"}},
                 55,
                 1}});
}

TEST(Rfc7541, C2LiteralWithoutIndexing) {
  TestDecoder decoder;
  run(decoder, {{"040c2f73616d706c652f70617468", {{":path", "/sample/path"}}, 0, 0}});
  EXPECT_FALSE(decoder.out.fields[0].never_index);
  EXPECT_EQ(decoder.out.fields[0].token, Token::kPath);
}

TEST(Rfc7541, C2LiteralNeverIndexed) {
  TestDecoder decoder;
  run(decoder, {{"100870617373776f726406736563726574", {{"password", "secret"}}, 0, 0}});
  EXPECT_TRUE(decoder.out.fields[0].never_index);
}

TEST(Rfc7541, C2Indexed) {
  TestDecoder decoder;
  run(decoder, {{"82", {{":method", "GET"}}, 0, 0}});
}

TEST(Rfc7541, C3RequestsWithoutHuffman) {
  TestDecoder decoder;
  run(decoder,
      {{"828684410f7777772e6578616d706c652e636f6d", kFirstRequest, 57, 1},
       {"828684be58086e6f2d6361636865", kSecondRequest, 110, 2},
       {"828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", kThirdRequest, 164, 3}});
}

TEST(Rfc7541, C4RequestsWithHuffman) {
  TestDecoder decoder;
  run(decoder, {{"828684418cf1e3c2e5f23a6ba0ab90f4ff", kFirstRequest, 57, 1},
                {"828684be5886a8eb10649cbf", kSecondRequest, 110, 2},
                {"828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", kThirdRequest, 164, 3}});
}

// The examples of C.5 and C.6 presume a table of 256 bytes: a block of a size update alone.
void shrink_to_256(TestDecoder& decoder) {
  ASSERT_TRUE(decoder.decode(from_hex("3fe101")));
  ASSERT_TRUE(decoder.out.fields.empty());
}

TEST(Rfc7541, C5ResponsesWithoutHuffman) {
  TestDecoder decoder;
  shrink_to_256(decoder);
  run(decoder,
      {{"4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
        "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        kFirstResponse, 222, 4},
       {"4803333037c1c0bf", kSecondResponse, 222, 4},
       {"88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f"
        "3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076"
        "657273696f6e3d31",
        kThirdResponse, 215, 3}});
}

TEST(Rfc7541, C6ResponsesWithHuffman) {
  TestDecoder decoder;
  shrink_to_256(decoder);
  run(decoder,
      {{"488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f"
        "0b97c8e9ae82ae43d3",
        kFirstResponse, 222, 4},
       {"4883640effc1c0bf", kSecondResponse, 222, 4},
       {"88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335df"
        "dfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        kThirdResponse, 215, 3}});
}

// Where our encoder makes the RFC's choices it makes the RFC's bytes.
TEST(Rfc7541, C4EncodedAsTheRfcDoes) {
  Encoder encoder;
  const auto fields_of = [](const TextFields& texts) {
    std::vector<OutField> fields;
    for (const TextField& text : texts) {
      fields.push_back({text.first, text.second, Indexing::kIndex});
    }
    return fields;
  };
  EXPECT_EQ(encode_block(encoder, fields_of(kFirstRequest)),
            from_hex("828684418cf1e3c2e5f23a6ba0ab90f4ff"));
  EXPECT_EQ(encode_block(encoder, fields_of(kSecondRequest)), from_hex("828684be5886a8eb10649cbf"));
  EXPECT_EQ(encode_block(encoder, fields_of(kThirdRequest)),
            from_hex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"));
  EXPECT_EQ(encoder.table_bytes(), 164u);
}

}  // namespace
}  // namespace saker::hpack
