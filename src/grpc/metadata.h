// Metadata: the custom metadata of a call, an ordered multimap (gRPC PROTOCOL-HTTP2.md,
// Custom-Metadata). Values of names that end in "-bin" are held raw and are base64 on the wire; all
// others are printable ASCII. Names with a meaning of their own (pseudo-headers, grpc-*, te,
// content-type, …) never come in through add() and set(). Everything lies in one text and one
// table: empty costs nothing, clear() keeps both for the next call unless they are large. Knows no HPACK. Thread rule:
// none of its own; views live until the next change, and must not be arguments of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saker::grpc {

// True for names ending in "-bin".
inline bool is_binary_name(std::string_view name) {
  return name.ends_with("-bin");
}
// One or more of a-z 0-9 _ - . (the specification's Header-Name).
// Upper case is refused, not folded.
bool is_legal_metadata_name(std::string_view name);
// Printable ASCII without a space at either end (RFC 9113 section 8.2.1
// forbids those in any field).
bool is_legal_ascii_value(std::string_view value);
// Names that belong to HTTP/2 or to gRPC itself.
bool is_reserved_metadata_name(std::string_view name);

enum class AddResult : uint8_t { kOk, kReservedName, kIllegalName, kIllegalValue };

class Metadata {
 public:
  static constexpr size_t kMaxKeptBytes = 8 * 1024;  // of an empty one: a bearer token has room

  // From the application: adds one value, raw for a binary name.
  [[nodiscard]] AddResult add(std::string_view name, std::string_view value);
  // Replaces all values of `name` by one, which goes to the end; nothing changes unless kOk.
  [[nodiscard]] AddResult set(std::string_view name, std::string_view value);
  // From the wire: `name` and `value` are those of a legal field. A binary value is split at commas
  // and decoded; false, with nothing added, when one of its parts is not base64. That spoils this
  // field only, never the connection. Each part counts as a field of its own: a comma costs the peer a
  // byte, and us a name. Splitting stops where list_bytes() has passed `max_list_bytes`.
  [[nodiscard]] bool add_received(std::string_view name, std::string_view value,
                                  size_t max_list_bytes = SIZE_MAX);
  // Removes all values of `name`, returns how many.
  size_t remove(std::string_view name);
  void clear() {
    if (memory_bytes() > kMaxKeptBytes) [[unlikely]] {
      std::string().swap(text_);
      std::vector<Entry>().swap(entries_);
    }
    entries_.clear();
    text_.clear();
    list_bytes_ = 0;
  }

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  // Sum of name + value as on the wire + 32 (RFC 9113 section 6.5.2,
  // SETTINGS_MAX_HEADER_LIST_SIZE).
  size_t list_bytes() const { return list_bytes_; }
  size_t memory_bytes() const { return text_.capacity() + entries_.capacity() * sizeof(Entry); }

  // The first value of `name`.
  std::optional<std::string_view> find(std::string_view name) const;

  // visit(name, value) for each, in order, binary values raw.
  template <typename Visit>
  void each(Visit visit) const {
    for (const Entry& entry : entries_) visit(name_of(entry), value_of(entry));
  }
  // visit(value) for each value of `name`, in order.
  template <typename Visit>
  void each(std::string_view name, Visit visit) const {
    for (const Entry& entry : entries_) {
      if (name_of(entry) == name) visit(value_of(entry));
    }
  }
  // visit(name, value) for each, in order, binary values in base64 without padding. Those are
  // written to `scratch`, which is overwritten and must live as long as the views are used.
  template <typename Visit>
  void each_wire(std::string& scratch, Visit visit) const {
    char* at = prepare_scratch(scratch);
    for (const Entry& entry : entries_) visit(name_of(entry), wire_value(entry, at));
  }

 private:
  struct Entry {
    size_t offset = 0;  // of the name in text_; the value follows
    uint32_t name_bytes = 0;
    uint32_t value_bytes = 0;
  };

  std::string_view name_of(const Entry& entry) const {
    return std::string_view(text_).substr(entry.offset, entry.name_bytes);
  }
  std::string_view value_of(const Entry& entry) const {
    return std::string_view(text_).substr(entry.offset + entry.name_bytes, entry.value_bytes);
  }
  static size_t list_bytes_of(std::string_view name, size_t value_bytes);
  void append(std::string_view name, std::string_view value);
  bool append_base64(std::string_view name, std::string_view base64);
  char* prepare_scratch(std::string& scratch) const;
  std::string_view wire_value(const Entry& entry, char*& at) const;

  std::vector<Entry> entries_;
  std::string text_;
  size_t list_bytes_ = 0;
};

}  // namespace saker::grpc
