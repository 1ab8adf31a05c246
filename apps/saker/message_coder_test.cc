#include "message_coder.h"

#include <gtest/gtest.h>

#include "file_schema.h"
#include "google/rpc/error_details.pb.h"

namespace saker::app {
namespace {

// A schema whose one file is among this program's own.
std::unique_ptr<Schema> own_schema(const std::string& file) {
  (void)google::rpc::BadRequest::descriptor();  // or the linker would leave the file out
  auto schema = load_protos({file}, {"/"});
  return schema ? *std::move(schema) : nullptr;
}

class Coder : public testing::Test {
 protected:
  Result<std::string> encode(DataFormat format, const std::string& text, TextPosition at = {}) {
    return MessageCoder(*schema_, {format, false}).encode(type(), {text, at});
  }
  std::string encode_error(DataFormat format, const std::string& text, TextPosition at = {}) {
    const auto bytes = encode(format, text, at);
    return bytes ? "none" : bytes.error().message;
  }
  const pb::Descriptor& type() const {
    return *schema_->pool().FindMessageTypeByName("google.rpc.BadRequest");
  }

  void SetUp() override { ASSERT_NE(schema_, nullptr); }

  const std::unique_ptr<Schema> schema_ = own_schema("google/rpc/error_details.proto");
};

TEST_F(Coder, JsonToTheWireAndBack) {
  const auto bytes = encode(DataFormat::kJson, R"({"fieldViolations":[{"field":"a"},{}]})");
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(*bytes, std::string("\x0A\x03\x0A\x01"
                                "a"
                                "\x0A\0",
                                7));
  MessageCoder coder(*schema_, {});
  EXPECT_EQ(*coder.decode(type(), *bytes),
            "{\n \"fieldViolations\": [\n  {\n   \"field\": \"a\"\n  },\n  {}\n ]\n}\n");
  EXPECT_EQ(*coder.decode(type(), ""), "{}\n");
  MessageCoder all(*schema_, {DataFormat::kJson, true});
  EXPECT_EQ(*all.decode(type(), ""), "{\n \"fieldViolations\": []\n}\n");
}

// A server may send the entries of a list with others between them, and a field twice.
TEST_F(Coder, FieldsOfTheWireComeInAnyOrder) {
  const pb::Descriptor& help =
      *schema_->pool().FindMessageTypeByName("google.rpc.LocalizedMessage");
  MessageCoder coder(*schema_, {});
  EXPECT_EQ(*coder.decode(help,
                          "\x12\x01y\x0A\x01"
                          "a\x0A\x01"
                          "b"),
            "{\n \"locale\": \"b\",\n \"message\": \"y\"\n}\n");
}

TEST_F(Coder, ErrorsSayWhere) {
  EXPECT_EQ(encode_error(DataFormat::kJson, "{\n \"fieldViolations\" 1}", {3, 9})
                .find("line 4, column 20: "),
            0u)
      << encode_error(DataFormat::kJson, "{\n \"fieldViolations\" 1}", {3, 9});
  EXPECT_EQ(
      encode_error(DataFormat::kJson, R"({"fieldViolation":[]})", {3, 9}),
      "message at line 3, column 9: no field fieldViolation in google.rpc.BadRequest; did you "
      "mean fieldViolations?");
  EXPECT_EQ(encode_error(DataFormat::kJson, R"({"fieldViolations":[{},{"feld":""}]})"),
            "message at line 1, column 1: no field feld in "
            "google.rpc.BadRequest.FieldViolation; did you mean field?");
  EXPECT_EQ(encode_error(DataFormat::kJson, R"({"fieldViolations":[{"field":7}]})"),
            "message at line 1, column 1: (field_violations[0].field): invalid value 7 for type "
            "TYPE_STRING");
  EXPECT_EQ(encode_error(DataFormat::kJson, "[]"),
            "message at line 1, column 1: Root element must be a message.");
  EXPECT_EQ(encode_error(DataFormat::kText, "field_violations {\n feld: 1 }", {2, 5})
                .find("line 3, column "),
            0u);
  EXPECT_EQ(encode_error(DataFormat::kBinary, "\xFF"), "the bytes are no google.rpc.BadRequest");
}

TEST_F(Coder, TextAndBinary) {
  const auto bytes = encode(DataFormat::kText, "field_violations { field: \"a\" }");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(*encode(DataFormat::kBinary, *bytes), *bytes);
  EXPECT_EQ(*MessageCoder(*schema_, {DataFormat::kText, false}).decode(type(), *bytes),
            "field_violations {\n  field: \"a\"\n}\n");
  EXPECT_EQ(*MessageCoder(*schema_, {DataFormat::kBinary, false}).decode(type(), *bytes), *bytes);
  EXPECT_FALSE(MessageCoder(*schema_, {}).decode(type(), "\xFF"));
}

}  // namespace
}  // namespace saker::app
