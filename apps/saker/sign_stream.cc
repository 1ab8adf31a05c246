#include "sign_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "saker/base/crc32c.h"
#include "saker/rpc/streaming_client_call.h"

namespace saker::app {
namespace {

using crypto::v1::SignReply;
using crypto::v1::SignStreamRequest;

constexpr size_t kPieceBytes = 64 * 1024;

// Writes as fast as the connection takes it, and says that it is done when the input is.
class SignStreamCall final : public rpc::StreamingClientCall<SignStreamRequest, SignReply> {
 public:
  SignStreamCall(const SigningInput& input, std::string head, InputSource& rest, SignReply& reply)
      : rest_(rest), reply_(reply) {
    set_signing(input, *request_.mutable_start());
    request_.set_data(std::move(head));
  }

  rpc::BlockingClient::Waiter waiter;
  const std::string& read_error() const { return read_error_; }

 private:
  // The input is read one piece ahead, so that the last one is known for what it is.
  void on_writable() override {
    while (!finished_ && writable()) {
      auto piece = rest_.read(kPieceBytes);
      if (!piece) {
        read_error_ = piece.error().message;
        return cancel();
      }
      crc_ = crc32c(as_bytes(request_.data()), crc_);
      finished_ = piece->empty();
      if (finished_) request_.set_input_crc32c(crc_);
      write(request_, finished_);
      request_.Clear();
      request_.set_data(*std::move(piece));
    }
  }
  void on_reply(SignReply& reply) override { reply_.Swap(&reply); }
  void on_done() override { waiter.done(); }

  InputSource& rest_;
  SignReply& reply_;
  SignStreamRequest request_;  // to be written next
  uint32_t crc_ = 0;
  bool finished_ = false;
  std::string read_error_;
};

}  // namespace

Result<InputSource> InputSource::open(const std::string& file) {
  if (file == "-") return InputSource("standard input", net::Descriptor());
  net::Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) return fail_errno("can't read " + file, errno);
  return InputSource(file, std::move(opened));
}

Result<std::string> InputSource::read(size_t size) {
  std::string bytes(size, '\0');
  size_t total = 0;
  while (total < size) {
    const ssize_t got =
        ::read(file_ ? file_.get() : STDIN_FILENO, bytes.data() + total, size - total);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("can't read " + name_, errno);
    total += static_cast<size_t>(got);
  }
  bytes.resize(total);
  return bytes;
}

int call_sign_stream(const CryptoTarget& target, const SigningInput& input, std::string head,
                     InputSource& rest, SignReply& reply) {
  static const rpc::ClientMethod method("/saker.crypto.v1.Crypto/SignStream",
                                        rpc::MethodKind::kClientStreaming);
  auto client = make_client(target);
  if (!client) return fail_usage(client.error().message);
  rpc::BlockingContext context;
  context.timeout = target.deadline;
  context.wait_for_ready = target.wait_for_ready;
  SignStreamCall call(input, std::move(head), rest, reply);
  (*client)->run(call, call.waiter, method, context);
  if (!call.read_error().empty()) return fail_usage(call.read_error());
  return report_status(call.status());
}

}  // namespace saker::app
