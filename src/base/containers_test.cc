// IntrusiveList, ObjectPool and MemoryBudget: the small things everything else counts on.
// Sanitizer builds see what an assertion cannot: leaks, and elements used after their removal.
// One test a promise of the header.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "saker/base/intrusive_list.h"
#include "saker/base/memory_budget.h"
#include "saker/base/object_pool.h"

namespace saker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct OtherTag;
struct Item : ListHook<>, ListHook<OtherTag> {
  explicit Item(int number) : value(number) {}
  int value;
};
using List = IntrusiveList<Item>;
using OtherList = IntrusiveList<Item, OtherTag>;

template <typename AnyList>
std::vector<int> values(AnyList& list) {
  std::vector<int> all;
  list.for_each([&](Item& item) { all.push_back(item.value); });
  return all;
}

TEST(IntrusiveList, PushesAtBothEndsAndPopsInOrder) {
  Item a(1), b(2), c(3);
  List list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.try_pop_front(), nullptr);
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  EXPECT_THAT(values(list), ElementsAre(1, 2, 3));
  EXPECT_EQ(&list.front(), &a);
  EXPECT_EQ(&list.back(), &c);
  EXPECT_EQ(list.try_pop_front(), &a);
  EXPECT_FALSE(List::contains(a));
  EXPECT_EQ(list.try_pop_front(), &b);
  EXPECT_EQ(list.try_pop_front(), &c);
  EXPECT_EQ(list.try_pop_front(), nullptr);
}

TEST(IntrusiveList, RemovesFromAnywhereAndTwiceIsHarmless) {
  Item a(1), b(2), c(3);
  List list;
  for (Item* item : {&a, &b, &c}) list.push_back(*item);
  List::remove(b);
  EXPECT_THAT(values(list), ElementsAre(1, 3));
  List::remove(b);
  List::remove(c);
  List::remove(a);
  EXPECT_TRUE(list.empty());
  list.push_back(b);
  EXPECT_THAT(values(list), ElementsAre(2));
  List::remove(b);
}

TEST(IntrusiveList, ForEachMayRemoveWhatItVisits) {
  Item items[] = {Item(1), Item(2), Item(3), Item(4)};
  List list;
  for (Item& item : items) list.push_back(item);
  list.for_each([](Item& item) {
    if (item.value % 2 == 0) List::remove(item);
  });
  EXPECT_THAT(values(list), ElementsAre(1, 3));
  while (list.try_pop_front() != nullptr) {
  }
}

TEST(IntrusiveList, SplicesBehind) {
  Item a(1), b(2), c(3);
  List list, other;
  list.splice_back(other);
  EXPECT_TRUE(list.empty());
  list.push_back(a);
  other.push_back(b);
  other.push_back(c);
  list.splice_back(other);
  EXPECT_THAT(values(list), ElementsAre(1, 2, 3));
  EXPECT_TRUE(other.empty());
  other.splice_back(list);
  EXPECT_THAT(values(other), ElementsAre(1, 2, 3));
  EXPECT_THAT(values(list), IsEmpty());
  while (other.try_pop_front() != nullptr) {
  }
}

TEST(IntrusiveList, OneElementInTwoListsByTag) {
  Item a(1), b(2);
  List list;
  OtherList other;
  list.push_back(a);
  list.push_back(b);
  other.push_back(b);
  other.push_back(a);
  List::remove(a);
  EXPECT_THAT(values(list), ElementsAre(2));
  EXPECT_THAT(values(other), ElementsAre(2, 1));
  EXPECT_TRUE(OtherList::contains(a));
  List::remove(b);
  OtherList::remove(a);
  OtherList::remove(b);
}

struct Counted {
  explicit Counted(int& alive_count) : alive(&alive_count) { ++*alive; }
  ~Counted() { --*alive; }
  int* alive;
  int mark = 0;
};

TEST(ObjectPool, RecyclesObjectsAsTheyWereLeft) {
  int alive = 0;
  {
    ObjectPool<Counted> pool;
    Counted* first = pool.get(alive);
    first->mark = 7;
    EXPECT_EQ(pool.outstanding(), 1u);
    pool.put(first);
    EXPECT_EQ(pool.outstanding(), 0u);
    EXPECT_EQ(alive, 1);
    Counted* second = pool.get(alive);
    EXPECT_EQ(second, first);
    EXPECT_EQ(second->mark, 7);
    Counted* third = pool.get(alive);
    EXPECT_NE(third, second);
    EXPECT_EQ(pool.outstanding(), 2u);
    pool.put(second);
    pool.put(third);
  }
  EXPECT_EQ(alive, 0);
}

TEST(ObjectPool, ShrinksToWhatIsAskedFor) {
  ObjectPool<int> pool;
  std::vector<int*> out;
  for (int i = 0; i < 10; ++i) out.push_back(pool.get(i));
  for (int* object : out) pool.put(object);
  EXPECT_EQ(pool.unused(), 10u);
  pool.shrink(20);
  EXPECT_EQ(pool.unused(), 10u);
  pool.shrink(3);
  EXPECT_EQ(pool.unused(), 3u);
  EXPECT_EQ(pool.outstanding(), 0u);
}

TEST(ObjectPool, KeepsNoMoreThanItMay) {
  int alive = 0;
  ObjectPool<Counted> pool(1);
  Counted* first = pool.get(alive);
  Counted* second = pool.get(alive);
  pool.put(first);
  pool.put(second);
  EXPECT_EQ(alive, 1);
}

TEST(MemoryBudget, ChargesUpToTheLimitExactly) {
  MemoryBudget budget(100);
  EXPECT_TRUE(budget.try_charge(60));
  EXPECT_FALSE(budget.try_charge(41));
  EXPECT_EQ(budget.used(), 60u);
  EXPECT_TRUE(budget.try_charge(40));
  EXPECT_EQ(budget.available(), 0u);
  EXPECT_TRUE(budget.try_charge(0));
  EXPECT_FALSE(budget.try_charge(1));
  EXPECT_FALSE(budget.try_charge(SIZE_MAX));
  budget.release(100);
  EXPECT_EQ(budget.used(), 0u);
}

TEST(MemoryBudget, ParentRefusalChargesNothing) {
  MemoryBudget server(100);
  MemoryBudget first(80, &server), second(80, &server);
  EXPECT_TRUE(first.try_charge(70));
  EXPECT_FALSE(second.try_charge(31));
  EXPECT_EQ(second.used(), 0u);
  EXPECT_EQ(server.used(), 70u);
  EXPECT_TRUE(second.try_charge(30));
  EXPECT_FALSE(first.try_charge(1));
  first.release(70);
  EXPECT_EQ(server.used(), 30u);
  EXPECT_FALSE(second.try_charge(51));  // its own limit
  EXPECT_EQ(server.used(), 30u);
  second.release(30);
}

}  // namespace
}  // namespace saker
