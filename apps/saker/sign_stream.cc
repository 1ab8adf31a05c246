#include "sign_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "client_session.h"
#include "saker/base/crc32c.h"
#include "saker/rpc/streaming_client_call.h"

namespace saker::app {
namespace {

using crypto::v1::SignReply;
using crypto::v1::SignStreamRequest;

constexpr size_t kPieceBytes = 64 * 1024;

// Only gathers: what is to be sent comes from the turns of the loop.
class SignStreamCall final : public rpc::StreamingClientCall<SignStreamRequest, SignReply> {
 public:
  explicit SignStreamCall(SignReply& reply) : reply_(reply) {}
  bool done = false;

 private:
  void on_reply(SignReply& reply) override { reply_.Swap(&reply); }
  void on_writable() override {}  // the turn's end looks at what waits
  void on_done() override { done = true; }

  SignReply& reply_;
};

// The message, cut into requests as it arrives and as fast as the connection takes them.
class StreamedInput {
 public:
  StreamedInput(const SigningInput& input, std::string head, InputReader& rest)
      : rest_(rest), waiting_(std::move(head)) {
    set_signing(input, *request_.mutable_start());
  }

  // The error names the input.
  Result<void> send(SignStreamCall& call) {
    while (!finished_ && call.writable()) {
      if (auto taken = take(); !taken) return taken;
      if (waiting_.empty() && more_) return {};
      send_piece(call);
    }
    return {};
  }

 private:
  // No further ahead than the next piece.
  Result<void> take() {
    if (!more_ || waiting_.size() >= kPieceBytes) return {};
    const auto more = rest_.take(waiting_);
    if (!more) return std::unexpected(more.error());
    more_ = *more;
    return {};
  }

  void send_piece(SignStreamCall& call) {
    request_.set_data(waiting_.substr(0, kPieceBytes));
    waiting_.erase(0, kPieceBytes);
    crc_ = crc32c(as_bytes(request_.data()), crc_);
    finished_ = waiting_.empty() && !more_;
    if (finished_) request_.set_input_crc32c(crc_);
    call.write(request_, finished_);
    request_.Clear();
  }

  InputReader& rest_;
  std::string waiting_;        // to be sent
  SignStreamRequest request_;  // the next one
  uint32_t crc_ = 0;
  bool more_ = true;
  bool finished_ = false;
};

ClientOptions session_options(const CryptoTarget& target) {
  ClientOptions options;
  options.target = target.target;
  options.deadline = target.deadline;
  options.wait_for_ready = target.wait_for_ready;
  return options;
}

}  // namespace

Result<InputSource> InputSource::open(const std::string& file) {
  const bool is_stdin = file == "-";
  const std::string name = is_stdin ? "standard input" : file;
  net::Descriptor opened(is_stdin ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                  : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) return fail_errno("can't read " + name, errno);
  return InputSource(name, std::move(opened));
}

Result<std::string> InputSource::read(size_t size) {
  std::string bytes(size, '\0');
  size_t total = 0;
  while (total < size) {
    const ssize_t got = ::read(file_.get(), bytes.data() + total, size - total);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("can't read " + name_, errno);
    total += static_cast<size_t>(got);
  }
  bytes.resize(total);
  return bytes;
}

Result<std::unique_ptr<InputReader>> InputSource::reader(net::Loop& loop) {
  return InputReader::make("can't read " + name_, std::move(file_), loop);
}

int call_sign_stream(const CryptoTarget& target, const SigningInput& input, std::string head,
                     InputSource& rest, SignReply& reply) {
  static const rpc::ClientMethod method("/saker.crypto.v1.Crypto/SignStream",
                                        rpc::MethodKind::kClientStreaming);
  const ClientOptions options = session_options(target);
  auto session = ClientSession::make(options);
  if (!session) return fail_usage(session.error().message);
  auto reader = rest.reader((*session)->loop());
  if (!reader) return fail_usage(reader.error().message);
  StreamedInput streamed(input, std::move(head), **reader);
  SignStreamCall call(reply);
  call.start((*session)->channel(), method, (*session)->call_options());
  std::string read_error;
  while (!call.done) {
    if (auto sent = streamed.send(call); !sent && read_error.empty()) {
      read_error = sent.error().message;
      call.cancel();
    }
    if (!call.done) (*session)->loop().run_once(kNever);
  }
  if (!read_error.empty()) return fail_usage(read_error);
  return report_status(call.status());
}

}  // namespace saker::app
