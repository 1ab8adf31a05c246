// Marks: what has become of the calls that carry a mark, so that a test can see cancellation from
// the server's side. Shared by Saker's and gRPC C++'s test server; any thread.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "interop.pb.h"

namespace saker::interop {

class Marks {
 public:
  void started(const std::string& mark) {
    add(mark, &v1::Marked::started, &v1::Marked::set_started);
  }
  void cancelled(const std::string& mark) {
    add(mark, &v1::Marked::cancelled, &v1::Marked::set_cancelled);
  }
  void ended(const std::string& mark) { add(mark, &v1::Marked::ended, &v1::Marked::set_ended); }

  v1::Marked get(const std::string& mark) const {
    const std::lock_guard lock(mutex_);
    const auto at = marks_.find(mark);
    return at == marks_.end() ? v1::Marked() : at->second;
  }

 private:
  void add(const std::string& mark, uint32_t (v1::Marked::*get_count)() const,
           void (v1::Marked::*set_count)(uint32_t)) {
    if (mark.empty()) return;
    const std::lock_guard lock(mutex_);
    v1::Marked& marked = marks_[mark];
    (marked.*set_count)((marked.*get_count)() + 1);
  }

  mutable std::mutex mutex_;
  std::map<std::string, v1::Marked> marks_;
};

// Started and, at the end of its life, ended; tells of cancellation if asked to.
class MarkScope {
 public:
  MarkScope(Marks& marks, const std::string& mark) : marks_(marks), mark_(mark) {
    marks_.started(mark_);
  }
  ~MarkScope() { marks_.ended(mark_); }
  MarkScope(const MarkScope&) = delete;
  MarkScope& operator=(const MarkScope&) = delete;

  void cancelled() { marks_.cancelled(mark_); }

 private:
  Marks& marks_;
  const std::string mark_;
};

}  // namespace saker::interop
