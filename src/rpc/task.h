// Task<T>: a lazily started coroutine that yields one T. Awaiting it starts it; its end resumes the
// awaiting coroutine by symmetric transfer, so that chains of tasks use no stack. An exception that
// leaves the body is caught here, once, and reported by failed(): no exception crosses into the
// loop. Single-threaded: a task stays on the loop that started it.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "saker/rpc/frame_pool.h"

namespace saker::rpc {

template <typename T>
class [[nodiscard]] Task {
 public:
  struct promise_type {
    std::optional<T> value;
    bool failed = false;
    std::coroutine_handle<> continuation = std::noop_coroutine();
    void (*on_done)(void*) = nullptr;  // instead of a continuation: a task that nobody awaits
    void* on_done_argument = nullptr;

    static void* operator new(size_t bytes) { return allocate_frame(bytes); }
    static void operator delete(void* frame, size_t bytes) noexcept { free_frame(frame, bytes); }

    struct FinalAwaiter {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        promise_type& promise = self.promise();
        if (promise.on_done == nullptr) return promise.continuation;
        promise.on_done(promise.on_done_argument);  // may destroy this task
        return std::noop_coroutine();
      }
      void await_resume() const noexcept {}
    };

    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void return_value(T result) { value = std::move(result); }
    void unhandled_exception() noexcept { failed = true; }
  };

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // Starts it; on_done(argument) is called when it has ended, and may destroy the task.
  void start(void (*on_done)(void*), void* argument) {
    handle_.promise().on_done = on_done;
    handle_.promise().on_done_argument = argument;
    handle_.resume();
  }
  bool valid() const { return static_cast<bool>(handle_); }
  bool done() const { return handle_ && handle_.done(); }
  // After the end: true when an exception left the body.
  bool failed() const { return handle_.promise().failed; }
  T& result() { return *handle_.promise().value; }

  // A failed inner task fails the outer one: T must be default-constructible
  // to stand in for the missing value.
  struct Awaiter {
    std::coroutine_handle<promise_type> handle;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
      handle.promise().continuation = awaiting;
      return handle;
    }
    std::optional<T> await_resume() { return std::move(handle.promise().value); }
  };
  // The value, or nothing when an exception left the inner task.
  Awaiter operator co_await() && { return Awaiter{handle_}; }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_ = nullptr;
};

}  // namespace saker::rpc
