// Every row of the static table: its token, and the way back from name and value to the index. That
// the rows are the RFC's is shown by nghttp2_test.cc.
#include "saker/hpack/static_table.h"

#include <gtest/gtest.h>

namespace saker::hpack {
namespace {

TEST(StaticTable, RowsCarryTheirTokenAndAreLegal) {
  for (uint32_t index = 1; index <= kStaticEntries; ++index) {
    const Field& field = kStaticTable[index];
    EXPECT_EQ(field.token, token_of(field.name)) << field.name;
    EXPECT_TRUE(field.legal && is_legal_name(field.name) && is_legal_value(field.value));
    EXPECT_FALSE(field.never_index);
  }
}

TEST(StaticTable, FindsEveryRowAgain) {
  for (uint32_t index = 1; index <= kStaticEntries; ++index) {
    const Field& field = kStaticTable[index];
    const uint32_t first = static_index_of(field.name);
    ASSERT_GT(first, 0u) << field.name;
    EXPECT_LE(first, index);
    EXPECT_EQ(kStaticTable[first].name, field.name);
    EXPECT_EQ(static_index_of(first, field.value), index);
  }
}

TEST(StaticTable, FindsNothingElse) {
  for (const char* name : {"", "te", ":protocol", "grpc-status", "x", ":pat", ":pathh", "Accept"}) {
    EXPECT_EQ(static_index_of(name), 0u) << name;
  }
  EXPECT_EQ(static_index_of(static_index_of(":method"), "PUT"), 0u);
  EXPECT_EQ(static_index_of(static_index_of(":status"), "/"), 0u);
  EXPECT_EQ(static_index_of(0, ""), 0u);
  EXPECT_EQ(static_index_of(static_index_of("www-authenticate"), "x"), 0u);
}

}  // namespace
}  // namespace saker::hpack
