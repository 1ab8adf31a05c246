// A message of any length to SignStream, read while it is sent.
#pragma once

#include <string>

#include "crypto_request.h"
#include "input_reader.h"
#include "saker/net/descriptor.h"

namespace saker::app {

// A file, or standard input: its beginning, and then what is left of it.
class InputSource {
 public:
  static Result<InputSource> open(const std::string& file);
  // `size` bytes, or fewer at the end; waits for them. The error names the file.
  Result<std::string> read(size_t size);
  // Whoever reads the rest, while the loop does something else. Once.
  Result<std::unique_ptr<InputReader>> reader(net::Loop& loop);

 private:
  InputSource(std::string name, net::Descriptor file)
      : name_(std::move(name)), file_(std::move(file)) {}
  std::string name_;
  net::Descriptor file_;
};

// Signs `head` and all that follows it in `rest`, as it comes; the call may end before the input does.
// As call_crypto().
int call_sign_stream(const CryptoTarget& target, const SigningInput& input, std::string head,
                     InputSource& rest, crypto::v1::SignReply& reply);

}  // namespace saker::app
