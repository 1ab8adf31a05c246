// InputReader: reads a file or standard input on a thread of its own, so that a loop never waits
// for a disk or a person. Reads ahead a little; the loop's thread takes what there is.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "saker/base/result.h"
#include "saker/net/descriptor.h"
#include "saker/net/loop.h"

namespace saker::app {

class InputReader final : private net::PostedTask {
 public:
  // `path` "-": standard input. The loop wakes up whenever there is something to take.
  static Result<std::unique_ptr<InputReader>> open(const std::string& path, net::Loop& loop);
  // From where an open file stands. `name` is what errors call it.
  static Result<std::unique_ptr<InputReader>> make(std::string name, net::Descriptor file,
                                                   net::Loop& loop);
  ~InputReader();

  // Appends what has arrived to `out`; false: and no more will come. An error names the input.
  Result<bool> take(std::string& out);

 private:
  InputReader(std::string name, net::Descriptor file, net::Descriptor quit, net::Loop& loop);
  void read_all();
  bool wait_for_input();
  void add(std::string_view bytes, int error, bool end);
  void run() override;

  const std::string name_;
  const net::Descriptor file_;
  const net::Descriptor quit_;
  net::Loop& loop_;
  std::mutex mutex_;
  std::condition_variable taken_;
  std::string bytes_;
  int error_ = 0;
  bool end_ = false;
  bool posted_ = false;
  bool quits_ = false;
  std::thread thread_;
};

}  // namespace saker::app
