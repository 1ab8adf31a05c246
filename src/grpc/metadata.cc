// Metadata's rules and its slow paths. Removed values leave a hole in the text until clear():
// removal is rare, a call's metadata short-lived. gRPC PROTOCOL-HTTP2.md, Custom-Metadata; RFC 9113
// sections 6.5.2 and 8.2.
#include "saker/grpc/metadata.h"

#include <algorithm>
#include <array>

#include "saker/base/bytes.h"
#include "saker/grpc/base64.h"

namespace saker::grpc {
namespace {

constexpr size_t kFieldOverheadBytes = 32;
constexpr size_t kMaxPartBytes = UINT32_MAX;

// Names that no application may set: HTTP/2 forbids them (RFC 9113 section 8.2.2)
// or gRPC writes them itself.
constexpr std::array<std::string_view, 11> kReservedNames{
    "te",         "content-type",     "content-length",    "user-agent", "host",    "connection",
    "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",    "trailer",
};

constexpr std::array<bool, 256> make_name_bytes() {
  std::array<bool, 256> legal{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789_-.")) {
    legal[static_cast<unsigned char>(c)] = true;
  }
  return legal;
}
constexpr std::array<bool, 256> kNameBytes = make_name_bytes();

AddResult check(std::string_view name, std::string_view value) {
  if (is_reserved_metadata_name(name)) return AddResult::kReservedName;
  if (name.size() > kMaxPartBytes || !is_legal_metadata_name(name)) return AddResult::kIllegalName;
  const bool legal = is_binary_name(name) || is_legal_ascii_value(value);
  return legal && value.size() <= kMaxPartBytes ? AddResult::kOk : AddResult::kIllegalValue;
}

// Optional white space around the parts of a list (RFC 9110 section 5.6.1).
std::string_view trimmed(std::string_view part) {
  while (part.starts_with(' ') || part.starts_with('\t')) part.remove_prefix(1);
  while (part.ends_with(' ') || part.ends_with('\t')) part.remove_suffix(1);
  return part;
}

}  // namespace

bool is_legal_metadata_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return kNameBytes[static_cast<unsigned char>(c)];
  });
}

bool is_legal_ascii_value(std::string_view value) {
  if (value.starts_with(' ') || value.ends_with(' ')) return false;
  return std::ranges::all_of(value, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

// One name of gRPC's own is the application's to say: when to come again (gRFC A6).
bool is_reserved_metadata_name(std::string_view name) {
  if (name == "grpc-retry-pushback-ms") return false;
  return name.starts_with(':') || name.starts_with("grpc-") ||
         std::ranges::find(kReservedNames, name) != kReservedNames.end();
}

AddResult Metadata::add(std::string_view name, std::string_view value) {
  const AddResult result = check(name, value);
  if (result == AddResult::kOk) append(name, value);
  return result;
}

AddResult Metadata::set(std::string_view name, std::string_view value) {
  const AddResult result = check(name, value);
  if (result == AddResult::kOk) {
    remove(name);
    append(name, value);
  }
  return result;
}

bool Metadata::add_received(std::string_view name, std::string_view value, size_t max_list_bytes) {
  if (name.size() > kMaxPartBytes || value.size() > kMaxPartBytes) return false;
  if (!is_binary_name(name)) {
    append(name, value);
    return true;
  }
  const size_t entries = entries_.size(), text_bytes = text_.size(), list_bytes = list_bytes_;
  for (;;) {
    const size_t comma = value.find(',');
    if (!append_base64(name, trimmed(value.substr(0, comma)))) break;
    if (comma == std::string_view::npos || list_bytes_ > max_list_bytes) return true;
    value.remove_prefix(comma + 1);
  }
  entries_.resize(entries);
  text_.resize(text_bytes);
  list_bytes_ = list_bytes;
  return false;
}

bool Metadata::append_base64(std::string_view name, std::string_view base64) {
  const size_t offset = text_.size();
  text_.append(name);
  text_.resize(offset + name.size() + base64_max_decoded_size(base64.size()));
  auto* out = reinterpret_cast<uint8_t*>(text_.data() + offset + name.size());
  const auto decoded = base64_decode(base64, out);
  if (!decoded) return false;
  text_.resize(offset + name.size() + *decoded);
  entries_.push_back({offset, static_cast<uint32_t>(name.size()), static_cast<uint32_t>(*decoded)});
  list_bytes_ += list_bytes_of(name, *decoded);
  return true;
}

void Metadata::append(std::string_view name, std::string_view value) {
  entries_.push_back(
      {text_.size(), static_cast<uint32_t>(name.size()), static_cast<uint32_t>(value.size())});
  text_.append(name);
  text_.append(value);
  list_bytes_ += list_bytes_of(name, value.size());
}

size_t Metadata::list_bytes_of(std::string_view name, size_t value_bytes) {
  const size_t wire_bytes = is_binary_name(name) ? base64_encoded_size(value_bytes) : value_bytes;
  return name.size() + wire_bytes + kFieldOverheadBytes;
}

size_t Metadata::remove(std::string_view name) {
  return std::erase_if(entries_, [&](const Entry& entry) {
    const bool matches = name_of(entry) == name;
    if (matches) list_bytes_ -= list_bytes_of(name_of(entry), entry.value_bytes);
    return matches;
  });
}

std::optional<std::string_view> Metadata::find(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (name_of(entry) == name) return value_of(entry);
  }
  return std::nullopt;
}

// Room for all binary values at once, so that no view is moved while they are written.
char* Metadata::prepare_scratch(std::string& scratch) const {
  size_t bytes = 0;
  for (const Entry& entry : entries_) {
    if (is_binary_name(name_of(entry))) bytes += base64_encoded_size(entry.value_bytes);
  }
  scratch.resize(bytes);
  return scratch.data();
}

std::string_view Metadata::wire_value(const Entry& entry, char*& at) const {
  if (!is_binary_name(name_of(entry))) return value_of(entry);
  const size_t bytes = base64_encode(as_bytes(value_of(entry)), at);
  const std::string_view encoded(at, bytes);
  at += bytes;
  return encoded;
}

}  // namespace saker::grpc
