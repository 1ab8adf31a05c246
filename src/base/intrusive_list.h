// A doubly linked list whose links live in the elements: no allocation, O(1) removal from the
// middle. An element is in at most one list per hook and must leave it before it dies. Not
// thread-safe: a list belongs to one loop.
#pragma once

#include "saker/base/check.h"

namespace saker {

// One hook per list that an element can be in; `Tag` tells several hooks of one element apart.
template <typename Tag = void>
struct ListHook {
  ListHook* prev = nullptr;
  ListHook* next = nullptr;
  bool linked() const { return next != nullptr; }

  // Leaves the list it is in, if any.
  void unlink() {
    if (next == nullptr) return;
    prev->next = next;
    next->prev = prev;
    prev = next = nullptr;
  }
};

template <typename T, typename Tag = void>
class IntrusiveList {
 public:
  IntrusiveList() { head_.prev = head_.next = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const { return head_.next == &head_; }
  T& front() { return element(head_.next); }
  T& back() { return element(head_.prev); }

  void push_back(T& value) { insert_before(head_, value); }
  void push_front(T& value) { insert_before(*head_.next, value); }

  T* try_pop_front() {
    if (empty()) return nullptr;
    T& value = front();
    hook(value).unlink();
    return &value;
  }

  static void remove(T& value) { hook(value).unlink(); }
  static bool contains(const T& value) { return static_cast<const ListHook<Tag>&>(value).linked(); }

  // Calls visit(element) for each; visit may remove the element it was given, and no other.
  template <typename Visit>
  void for_each(Visit visit) {
    for (auto* at = head_.next; at != &head_;) {
      auto* next = at->next;
      visit(element(at));
      at = next;
    }
  }

  // Moves all elements of `other` behind ours.
  void splice_back(IntrusiveList& other) {
    if (other.empty()) return;
    other.head_.next->prev = head_.prev;
    head_.prev->next = other.head_.next;
    other.head_.prev->next = &head_;
    head_.prev = other.head_.prev;
    other.head_.prev = other.head_.next = &other.head_;
  }

 private:
  static ListHook<Tag>& hook(T& value) { return static_cast<ListHook<Tag>&>(value); }
  static T& element(ListHook<Tag>* at) { return static_cast<T&>(*at); }
  static void insert_before(ListHook<Tag>& at, T& value) {
    auto& link = hook(value);
    SAKER_DCHECK(!link.linked());
    link.prev = at.prev;
    link.next = &at;
    at.prev->next = &link;
    at.prev = &link;
  }

  ListHook<Tag> head_;
};

}  // namespace saker
