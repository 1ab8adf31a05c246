// signing_client [ADDRESS [TEXT]]: asks `saker serve` for a signature by an EC P-256 key and lets it
// verify that. The key never leaves the server.
#include <cstdio>
#include <string>

#include "saker/crypto/v1/crypto.saker.h"
#include "saker/rpc/blocking_client.h"

namespace grpc = saker::grpc;
namespace rpc = saker::rpc;
namespace crypto = saker::crypto::v1;

namespace {

int report(const grpc::Status& status) {
  std::fprintf(stderr, "%s: %s\n", std::string(grpc::status_code_name(status.code)).c_str(),
               status.message.c_str());
  return 64 + static_cast<int>(status.code);
}

}  // namespace

int main(int argc, char** argv) {
  const auto target = saker::net::parse_address(argc > 1 ? argv[1] : "127.0.0.1:50051");
  if (!target) return 2;
  const auto client = rpc::BlockingClient::create(*target);
  if (!client) return 2;
  crypto::CryptoStub stub(**client);

  crypto::SignRequest request;
  request.set_key_type(crypto::EC_P256);
  request.set_algorithm(crypto::ECDSA_P256_SHA256);
  request.set_message(argc > 2 ? argv[2] : "what I sign");
  crypto::SignReply signature;
  if (const auto status = stub.sign(request, signature); !status.ok()) return report(status);
  std::printf("signature of %zu bytes by %s\n", signature.signature().size(),
              signature.key_name().c_str());

  crypto::VerifyRequest question;
  question.set_key_name(signature.key_name());
  question.set_algorithm(request.algorithm());
  question.set_message(request.message());
  question.set_signature(signature.signature());
  crypto::VerifyReply answer;
  if (const auto status = stub.verify(question, answer); !status.ok()) return report(status);
  std::printf("%s\n", answer.valid() ? "valid" : "not valid");
  return answer.valid() ? 0 : 1;
}
