// A message of any length to SignStream, read while it is sent.
#pragma once

#include <string>

#include "crypto_request.h"
#include "saker/net/descriptor.h"

namespace saker::app {

// A file, or standard input, piece by piece.
class InputSource {
 public:
  static Result<InputSource> open(const std::string& file);
  // `size` bytes, or fewer at the end. The error names the file.
  Result<std::string> read(size_t size);

 private:
  InputSource(std::string name, net::Descriptor file)
      : name_(std::move(name)), file_(std::move(file)) {}
  std::string name_;
  net::Descriptor file_;  // none: standard input
};

// Signs `head` and all that follows it in `rest`. As call_crypto().
int call_sign_stream(const CryptoTarget& target, const SigningInput& input, std::string head,
                     InputSource& rest, crypto::v1::SignReply& reply);

}  // namespace saker::app
