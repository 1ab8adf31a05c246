#include "failed_status.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include "crypto_request.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "printable.h"
#include "saker/rpc/status_details.h"

namespace saker::app {
namespace {

constexpr char kDetailUrlPrefix[] = "type.googleapis.com";

// As JSON with its "@type"; nothing where `pool` does not know the type or the bytes are no such
// message.
std::string detail_json(const pb::DescriptorPool& pool, const google::protobuf::Any& detail) {
  const std::unique_ptr<pb::util::TypeResolver> types(
      pb::util::NewTypeResolverForDescriptorPool(kDetailUrlPrefix, &pool));
  pb::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  const auto status = pb::util::BinaryToJsonString(
      types.get(), std::string(kDetailUrlPrefix) + "/google.protobuf.Any",
      detail.SerializeAsString(), &json, options);
  return status.ok() ? json : std::string();
}

std::string format_detail(const Schema& schema, const google::protobuf::Any& detail) {
  // The usual types are linked into this program because of this.
  const pb::DescriptorPool& own = *google::rpc::ErrorInfo::descriptor()->file()->pool();
  std::string json = detail_json(own, detail);
  if (json.empty()) json = detail_json(schema.pool(), detail);
  if (json.empty()) {
    // lint-allow: value a field of Any
    json = detail.type_url() + ", base64 " + to_base64(detail.value());
  }
  if (!json.ends_with('\n')) json += '\n';
  return json;
}

}  // namespace

std::string format_failure(const grpc::Status& status, const Schema& schema) {
  std::string text = "saker: " + std::string(grpc::status_code_name(status.code)) + ": " +
                     printable(status.message) + "\n";
  google::rpc::Status rich;
  if (status.details_bin.empty()) return text;
  if (!rpc::parse_details(status, rich)) {
    return text + "details: no google.rpc.Status, base64 " + to_base64(status.details_bin) + "\n";
  }
  for (const auto& detail : rich.details()) text += "detail: " + format_detail(schema, detail);
  return text;
}

}  // namespace saker::app
