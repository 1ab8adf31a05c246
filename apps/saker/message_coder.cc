#include "message_coder.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include "json_syntax.h"
#include "nearest_word.h"

namespace saker::app {
namespace {

constexpr char kTypeUrlPrefix[] = "type.googleapis.com";

std::string type_url(const pb::Descriptor& type) {
  return std::string(kTypeUrlPrefix) + "/" + type.full_name();
}

std::string to_text(TextPosition position) {
  return "line " + std::to_string(position.line) + ", column " + std::to_string(position.column);
}

class FirstTextError final : public pb::io::ErrorCollector {
 public:
  std::string text;
  explicit FirstTextError(TextPosition start) : start_(start) {}
  void AddError(int line, int column, const std::string& message) override {
    if (!text.empty()) return;
    TextPosition at = start_;
    at.column = static_cast<size_t>(column) + (line == 0 ? start_.column : 1);
    at.line += static_cast<size_t>(std::max(line, 0));
    text = to_text(at) + ": " + message;
  }

 private:
  const TextPosition start_;
};

// The wire's bytes in one order: fields by number, map entries by key.
std::string to_canonical_bytes(const pb::Message& message) {
  std::string bytes;
  pb::io::StringOutputStream stream(&bytes);
  pb::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  message.SerializePartialToCodedStream(&out);
  out.Trim();
  return bytes;
}

}  // namespace

MessageCoder::MessageCoder(const Schema& schema, const CoderOptions& options)
    : options_(options),
      types_(pb::util::NewTypeResolverForDescriptorPool(kTypeUrlPrefix, &schema.pool())),
      messages_(&schema.pool()) {}

std::unique_ptr<pb::Message> MessageCoder::make_message(const pb::Descriptor& type) {
  return std::unique_ptr<pb::Message>(messages_.GetPrototype(&type)->New());
}

// ---- to the wire

Result<std::string> MessageCoder::encode(const pb::Descriptor& type, const InputMessage& message) {
  switch (options_.format) {
    case DataFormat::kJson:
      return encode_json(type, message);
    case DataFormat::kText:
      return encode_text(type, message);
    case DataFormat::kBinary:
      break;
  }
  const auto parsed = make_message(type);
  if (!parsed->ParsePartialFromString(message.text)) {
    return fail("the bytes are no " + type.full_name());
  }
  return message.text;
}

Result<std::string> MessageCoder::encode_json(const pb::Descriptor& type,
                                              const InputMessage& message) {
  if (const auto error = find_json_error(message.text)) {
    const TextPosition at = position_in(message.text, error->offset, message.position);
    return fail(to_text(at) + ": " + error->what);
  }
  std::string bytes;
  const auto status =
      pb::util::JsonToBinaryString(types_.get(), type_url(type), message.text, &bytes);
  if (status.ok()) return bytes;
  return fail("message at " + to_text(message.position) + ": " +
              explain_json_error(type, std::string(status.message())));
}

Result<std::string> MessageCoder::encode_text(const pb::Descriptor& type,
                                              const InputMessage& message) {
  FirstTextError error(message.position);
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  const auto parsed = make_message(type);
  if (!parser.ParseFromString(message.text, parsed.get())) return fail(error.text);
  return parsed->SerializeAsString();
}

// ---- from the wire

Result<std::string> MessageCoder::decode(const pb::Descriptor& type, std::string_view bytes) {
  if (options_.format == DataFormat::kBinary) return std::string(bytes);
  if (options_.format == DataFormat::kJson) return decode_json(type, bytes);
  const auto message = make_message(type);
  if (!message->ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail("the bytes are no " + type.full_name());
  }
  pb::TextFormat::Printer printer;
  printer.SetExpandAny(true);
  printer.SetUseUtf8StringEscaping(true);
  std::string text;
  printer.PrintToString(*message, &text);
  return text;
}

// By way of the message object, because fields of the wire may come in any order and number.
Result<std::string> MessageCoder::decode_json(const pb::Descriptor& type, std::string_view bytes) {
  const auto message = make_message(type);
  if (!message->ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail("the bytes are no " + type.full_name());
  }
  pb::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = options_.emit_defaults;
  std::string json;
  const auto status = pb::util::BinaryToJsonString(types_.get(), type_url(type),
                                                   to_canonical_bytes(*message), &json, options);
  if (!status.ok()) return fail(std::string(status.message()));
  if (!json.ends_with('\n')) json += '\n';
  return json;
}

// ---- errors

namespace {

// The message at the end of a path like "child.items[2].name"; null where there is none.
const pb::Descriptor* type_at(const pb::Descriptor* type, std::string_view path) {
  while (type != nullptr && !path.empty()) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    const std::string field_name(name.substr(0, name.find('[')));
    const pb::FieldDescriptor* field = type->FindFieldByName(field_name);
    if (field == nullptr) field = type->FindFieldByCamelcaseName(field_name);
    type = field == nullptr ? nullptr : field->message_type();
    if (type != nullptr && field->is_map()) type = type->map_value()->message_type();
  }
  return type;
}

}  // namespace

std::string explain_json_error(const pb::Descriptor& type, const std::string& message) {
  constexpr std::string_view kUnknownField = ": Cannot find field.";
  if (!message.ends_with(kUnknownField)) {
    return message.starts_with(": ") ? message.substr(2) : message;
  }
  std::string_view name(message.data(), message.size() - kUnknownField.size());
  std::string_view path;
  if (const size_t end = name.find(") "); name.starts_with('(') && end != name.npos) {
    path = name.substr(1, end - 1);
    name.remove_prefix(end + 2);
  }
  std::string text = "no field " + std::string(name);
  const pb::Descriptor* at = type_at(&type, path);
  if (at == nullptr) return text + " in " + std::string(path);
  std::vector<std::string> fields;
  for (int index = 0; index < at->field_count(); ++index) {
    fields.push_back(at->field(index)->json_name());
  }
  text += " in " + at->full_name();
  if (const auto near = nearest_word(name, fields)) text += "; did you mean " + *near + "?";
  return text;
}

}  // namespace saker::app
