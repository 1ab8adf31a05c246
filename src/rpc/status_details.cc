#include "saker/rpc/status_details.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

namespace saker::rpc {
namespace {

using google::protobuf::internal::WireFormatLite;

// Fields of google.rpc.Status.
constexpr int kCode = 1;
constexpr int kMessage = 2;
constexpr int kDetails = 3;

}  // namespace

grpc::Status make_status(grpc::StatusCode code, std::string message,
                         std::initializer_list<const google::protobuf::Message*> details) {
  grpc::Status status{code, std::move(message), {}};
  {  // the bytes are all there once the stream of them has ended
    google::protobuf::io::StringOutputStream bytes(&status.details_bin);
    google::protobuf::io::CodedOutputStream out(&bytes);
    WireFormatLite::WriteInt32(kCode, static_cast<int>(code), &out);
    WireFormatLite::WriteString(kMessage, status.message, &out);
    for (const google::protobuf::Message* detail : details) {
      google::protobuf::Any any;
      any.PackFrom(*detail);
      WireFormatLite::WriteBytes(kDetails, any.SerializeAsString(), &out);
    }
  }
  return status;
}

}  // namespace saker::rpc
