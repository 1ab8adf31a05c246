#include "interop_call.h"

namespace saker::app {
namespace {

std::string describe(const grpc::Status& status) {
  std::string text(grpc::status_code_name(status.code));
  if (!status.message.empty()) text += " '" + status.message + "'";
  return text;
}

}  // namespace

void InteropCheck::status(const grpc::Status& got, grpc::StatusCode wanted) {
  that(got.code == wanted,
       "the status is " + describe(got) + ", not " + std::string(grpc::status_code_name(wanted)));
}

void InteropCheck::status(const grpc::Status& got, grpc::StatusCode wanted,
                          std::string_view message) {
  status(got, wanted);
  that(got.message == message,
       "the status message is '" + got.message + "', not '" + std::string(message) + "'");
}

void InteropCheck::equal(std::string_view what, int64_t got, int64_t wanted) {
  that(got == wanted,
       std::string(what) + " is " + std::to_string(got) + ", not " + std::to_string(wanted));
}

Result<void> InteropCheck::result() const {
  if (holds()) return {};
  return fail(first_);
}

}  // namespace saker::app
