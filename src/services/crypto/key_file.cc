#include "saker/services/crypto/key_file.h"

#include <algorithm>

#include "saker/services/crypto/toml.h"

namespace saker::crypto {
namespace {

std::unexpected<Error> bad(const std::string& name, const toml::node& node,
                           const std::string& what) {
  return fail(name + ":" + std::to_string(node.source().begin.line) + ": " + what);
}

std::string text_at(const toml::table& table, std::string_view key) {
  return table[key].value_or(std::string());
}

Result<std::vector<Algorithm>> read_algorithms(const toml::table& table, KeyType type,
                                               const std::string& name) {
  std::vector<Algorithm> algorithms;
  const toml::array* const listed = table["algorithms"].as_array();
  if (listed == nullptr || listed->empty()) return bad(name, table, "no algorithms");
  for (const toml::node& node : *listed) {
    const auto text = node.value_or(std::string());
    const auto algorithm = parse_algorithm(text);
    if (!algorithm || !is_allowed(type, *algorithm))
      return bad(name, node, "'" + text + "' is no algorithm of this type of key");
    algorithms.push_back(*algorithm);
  }
  return algorithms;
}

Result<StoredVersion> read_version(const toml::node& node, size_t number, const std::string& name) {
  const toml::table* const table = node.as_table();
  if (table == nullptr) return bad(name, node, "a version must be a table");
  StoredVersion version;
  version.number = static_cast<uint32_t>(number);
  if ((*table)["number"].value_or<int64_t>(0) != static_cast<int64_t>(number))
    return bad(name, node, "this should be version " + std::to_string(number));
  const auto state = parse_key_state(text_at(*table, "state"));
  if (!state) return bad(name, node, "the state is none of enabled, disabled, destroyed");
  version.state = *state;
  version.created = text_at(*table, "created");
  version.public_pem = text_at(*table, "public");
  version.private_pem = text_at(*table, "private");
  const bool has_key = !version.public_pem.empty() && !version.private_pem.empty();
  if (!has_key && *state != KeyState::kDestroyed) return bad(name, node, "a version without a key");
  return version;
}

void append_line(std::string& out, std::string_view key, std::string_view value) {
  out.append(key).append(" = \"").append(value).append("\"\n");
}

// PEM has no character that TOML would escape, and brings its own newline at the end.
void append_pem(std::string& out, std::string_view key, const std::string& pem) {
  if (pem.empty()) return;
  out.append(key).append(" = \"\"\"\n").append(pem).append("\"\"\"\n");
}

}  // namespace

Result<KeyFile> parse_key_file(std::string_view text, const std::string& name) {
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    return fail(name + ":" + std::to_string(parsed.error().source().begin.line) + ": " +
                std::string(parsed.error().description()));
  }
  const toml::table& table = parsed.table();
  KeyFile file;
  const auto type = parse_key_type(text_at(table, "type"));
  if (!type) return bad(name, table, "no known type of key");
  file.type = *type;
  auto algorithms = read_algorithms(table, *type, name);
  if (!algorithms) return std::unexpected(algorithms.error());
  file.algorithms = *std::move(algorithms);
  const toml::array* const versions = table["version"].as_array();
  if (versions == nullptr || versions->empty()) return bad(name, table, "no versions");
  if (versions->size() > kMaxKeyVersions) return bad(name, table, "too many versions");
  for (const toml::node& node : *versions) {
    auto version = read_version(node, file.versions.size() + 1, name);
    if (!version) return std::unexpected(version.error());
    file.versions.push_back(*std::move(version));
  }
  return file;
}

std::string format_key_file(const KeyFile& file) {
  std::string out =
      "# A key of Saker; the private halves are encrypted. Written by saker keystore.\n";
  append_line(out, "type", name(file.type));
  out += "algorithms = [";
  for (const Algorithm algorithm : file.algorithms) {
    out.append(algorithm == file.algorithms.front() ? "\"" : ", \"").append(name(algorithm)) += '"';
  }
  out += "]\n";
  for (const StoredVersion& version : file.versions) {
    out += "\n[[version]]\nnumber = " + std::to_string(version.number) + "\n";
    append_line(out, "state", name(version.state));
    append_line(out, "created", version.created);
    append_pem(out, "public", version.public_pem);
    append_pem(out, "private", version.private_pem);
  }
  return out;
}

}  // namespace saker::crypto
