// The rings behind the dynamic table, against a deque; what an idle table may weigh.
#include "saker/hpack/dynamic_table.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <utility>

namespace saker::hpack {
namespace {

void insert(DynamicTable& table, const std::string& name, const std::string& value) {
  const size_t size = name.size() + value.size();
  if (!table.has_room(size)) table.make_room(size);
  table.append(name, value);
}

TEST(DynamicTable, EmptyNeedsNoMemory) {
  DynamicTable table;
  EXPECT_EQ(table.memory_bytes(), 0u);
  EXPECT_EQ(table.bytes(), 0u);
  EXPECT_EQ(table.count(), 0u);
}

TEST(DynamicTable, CountsAsRfc7541Section41) {
  DynamicTable table;
  insert(table, "name", "value");
  EXPECT_EQ(table.bytes(), 41u);
  insert(table, "", "");
  EXPECT_EQ(table.bytes(), 73u);
  table.evict_oldest();
  EXPECT_EQ(table.bytes(), 32u);
  table.evict_oldest();
  table.release();
  EXPECT_EQ(table.memory_bytes(), 0u);
}

TEST(DynamicTable, TenEntriesOfGrpcStayBelowOneKibibyte) {
  DynamicTable table;
  for (int i = 0; i < 10; ++i) insert(table, std::string(15, 'n'), std::string(30, 'v'));
  EXPECT_LT(table.memory_bytes(), 1024u);
}

TEST(DynamicTable, MemosSurviveGrowth) {
  DynamicTable table;
  for (uint64_t i = 0; i < 50; ++i) {
    insert(table, "name", std::to_string(i));
    table.at(0).memo = i + 1;
  }
  for (uint32_t age = 0; age < 50; ++age) EXPECT_EQ(table.at(age).memo, 50u - age);
}

// Against a deque, with sizes around every edge of the ring and a bounded memory.
void compare_with_model(uint32_t limit, size_t largest_text, unsigned seed) {
  std::mt19937 random(seed);
  DynamicTable table;
  std::deque<std::pair<std::string, std::string>> model;
  for (int round = 0; round < 4000; ++round) {
    const std::string name(random() % (largest_text + 1), static_cast<char>('a' + round % 26));
    const std::string value(random() % (largest_text + 1), static_cast<char>('A' + round % 26));
    const size_t bytes = name.size() + value.size() + kEntryOverheadBytes;
    while (table.count() > 0 && table.bytes() + bytes > limit) {
      table.evict_oldest();
      model.pop_back();
    }
    if (bytes > limit) continue;
    insert(table, name, value);
    model.emplace_front(name, value);
    ASSERT_EQ(table.count(), model.size());
    for (uint32_t age = 0; age < table.count(); ++age) {
      ASSERT_EQ(table.name(table.at(age)), model[age].first) << round;
      ASSERT_EQ(table.value(table.at(age)), model[age].second) << round;
    }
    ASSERT_EQ(table.oldest_number(), table.inserted() - model.size());
  }
  EXPECT_LE(table.memory_bytes(), 5 * size_t{limit} + 256);
}

TEST(DynamicTable, AgreesWithADeque) {
  unsigned seed = 0;
  for (const uint32_t limit : {32u, 64u, 100u, 256u, 1000u, 4096u}) {
    for (const size_t largest : {0, 1, 7, 40, 200, 1500})
      compare_with_model(limit, largest, ++seed);
  }
}

}  // namespace
}  // namespace saker::hpack
