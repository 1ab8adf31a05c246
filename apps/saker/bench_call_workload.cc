#include "bench_call_workload.h"

namespace saker::app {

CallWorkload::Checker::Checker(const CallWorkload& workload)
    : load_(workload.load_), first_(load_.requests.size()) {
  if (load_.check == ReplyCheck::kParse) {
    parsed_.reset(messages_.GetPrototype(load_.reply_type)->New());
  }
}

const char* CallWorkload::Checker::check(const Request& request, const Reply& reply) {
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

const char* CallWorkload::Checker::check_same(const Request& request, const Reply& reply) {
  std::optional<std::string>& first = first_[request.number];
  if (!first) first = reply.bytes;
  return *first == reply.bytes ? nullptr : "other bytes than the first one";
}

}  // namespace saker::app
