#include "bench_call_workload.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <functional>

namespace saker::app {

namespace pb = google::protobuf;

namespace {

constexpr uint64_t kComparedReplies = 1 << 20;  // of one stream; those behind them pass
constexpr char kTypeUrlPrefix[] = "type.googleapis.com";

std::shared_ptr<pb::util::TypeResolver> resolver_for(const CallLoad& load) {
  if (load.templates.empty()) return nullptr;
  const pb::DescriptorPool* pool = load.request_type->file()->pool();
  return std::shared_ptr<pb::util::TypeResolver>(
      pb::util::NewTypeResolverForDescriptorPool(kTypeUrlPrefix, pool));
}

}  // namespace

CallWorkload::CallWorkload(CallLoad load)
    : load_(std::move(load)), method_(load_.path, load_.kind), types_(resolver_for(load_)) {}

// What the template's checks at the start could not see does not fit: the call goes out empty, and
// is an error whatever comes back.
void CallWorkload::fill(Request& request, size_t number, uint64_t sequence) const {
  load_.templates[number].expand(load_.seed, sequence, request.text);
  request.bytes.clear();
  const std::string url = kTypeUrlPrefix + ("/" + load_.request_type->full_name());
  request.fits = pb::util::JsonToBinaryString(types_.get(), url, request.text, &request.bytes).ok();
  request.number = number;
}

CallWorkload::Checker::Checker(const CallWorkload& workload)
    : load_(workload.load_), first_(load_.requests.size()), first_hashes_(load_.requests.size()) {
  if (load_.check == ReplyCheck::kParse) {
    parsed_.reset(messages_.GetPrototype(load_.reply_type)->New());
  }
}

const char* CallWorkload::Checker::check(const Request& request, const Reply& reply) {
  if (!request.fits) return "a request that its template does not fit";
  switch (load_.check) {
    case ReplyCheck::kStatus:
      return nullptr;
    case ReplyCheck::kParse: {
      const bool parses = parsed_->ParsePartialFromString(reply.bytes) && parsed_->IsInitialized();
      return parses ? nullptr : "bytes that are no message of its type";
    }
    case ReplyCheck::kSame:
      return check_same(request, reply);
  }
  return nullptr;
}

const char* CallWorkload::Checker::check_alone(const Request& request, const Reply& reply) {
  if (load_.check == ReplyCheck::kSame) return nullptr;
  return check(request, reply);
}

// The first of a number says how the others are: those of one stream come in order, but streams
// overtake each other.
const char* CallWorkload::Checker::check_at(const Request& request, const Reply& reply,
                                            uint64_t number) {
  if (load_.check != ReplyCheck::kSame) return check(request, reply);
  std::vector<size_t>& hashes = first_hashes_[request.number];
  const size_t hash = std::hash<std::string>()(reply.bytes);
  if (number > hashes.size() || number >= kComparedReplies) return nullptr;
  if (number == hashes.size()) hashes.push_back(hash);
  return hashes[number] == hash ? nullptr : "other bytes than the first one";
}

const char* CallWorkload::Checker::check_same(const Request& request, const Reply& reply) {
  std::optional<std::string>& first = first_[request.number];
  if (!first) first = reply.bytes;
  return *first == reply.bytes ? nullptr : "other bytes than the first one";
}

}  // namespace saker::app
