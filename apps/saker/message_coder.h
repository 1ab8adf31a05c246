// MessageCoder: messages of any type of a schema, from the form that people write to the bytes of
// the wire and back. Belongs to one thread; may ask the schema's source about types inside an Any,
// hence not to be called from inside events of its loop.
#pragma once

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/type_resolver.h>

#include <memory>
#include <string>
#include <string_view>

#include "message_splitter.h"
#include "schema.h"

namespace saker::app {

struct CoderOptions {
  DataFormat format = DataFormat::kJson;
  bool emit_defaults = false;  // JSON: fields that have no value too
};

class MessageCoder {
 public:
  // `schema` must outlive it.
  MessageCoder(const Schema& schema, const CoderOptions& options);

  // The error says where in the input.
  Result<std::string> encode(const pb::Descriptor& type, const InputMessage& message);
  // With a newline at its end where it is text. The error: bytes that are no such message, or an
  // Any whose type nobody knows.
  Result<std::string> decode(const pb::Descriptor& type, std::string_view bytes);

 private:
  Result<std::string> encode_json(const pb::Descriptor& type, const InputMessage& message);
  Result<std::string> encode_text(const pb::Descriptor& type, const InputMessage& message);
  Result<std::string> decode_json(const pb::Descriptor& type, std::string_view bytes);
  std::unique_ptr<pb::Message> make_message(const pb::Descriptor& type);

  const CoderOptions options_;
  const std::unique_ptr<pb::util::TypeResolver> types_;
  pb::DynamicMessageFactory messages_;
};

// What protobuf says of JSON that does not fit `type`, in words that help: a field that does not
// exist comes with the nearest one that does.
std::string explain_json_error(const pb::Descriptor& type, const std::string& message);

}  // namespace saker::app
