#include "call_input.h"

namespace saker::app {
namespace {

// So much that a large file is not in memory before its first message is sent.
constexpr size_t kMostWaiting = 1000;

}  // namespace

CallInput::CallInput(const DataSource& source, const pb::Descriptor& type, MessageCoder& coder,
                     MessageSplitter splitter)
    : source_(source), type_(type), coder_(coder), splitter_(std::move(splitter)) {}

Result<void> CallInput::open(net::Loop& loop) {
  if (source_.is_file) {
    auto reader = InputReader::open(source_.text, loop);
    if (!reader) return fail("-d " + reader.error().message);
    reader_ = *std::move(reader);
    return {};
  }
  splitter_.feed(source_.text);
  splitter_.finish();
  at_end_ = true;
  return result_ = encode_all();
}

Result<void> CallInput::advance() {
  if (result_ && !at_end_ && messages_.size() < kMostWaiting) result_ = take_input();
  return result_;
}

Result<void> CallInput::take_input() {
  bytes_.clear();
  const auto more = reader_->take(bytes_);
  if (!more) return fail("-d " + more.error().message);
  splitter_.feed(bytes_);
  if (!*more) {
    splitter_.finish();
    at_end_ = true;
  }
  return encode_all();
}

Result<void> CallInput::gather(ClientSession& session) {
  Result<void> result;
  std::deque<std::string> all;
  session.run_until([&] {
    result = advance();
    for (; !messages_.empty(); messages_.pop_front()) all.push_back(std::move(messages_.front()));
    return !result || at_end_;
  });
  messages_ = std::move(all);
  return result;
}

Result<void> CallInput::encode_all() {
  for (;;) {
    auto message = splitter_.next();
    if (!message) return fail(source_.name + ": " + message.error().message);
    if (!*message) return {};
    if (prepare_ != nullptr) {
      if (auto prepared = prepare_(**message); !prepared) {
        return fail(source_.name + ": " + prepared.error().message);
      }
    }
    auto bytes = coder_.encode(type_, **message);
    if (!bytes) return fail(source_.name + ": " + bytes.error().message);
    messages_.push_back(*std::move(bytes));
  }
}

}  // namespace saker::app
