#include "redaction.h"

#include <algorithm>
#include <utility>

namespace saker::app {
namespace {

constexpr std::string_view kSecretParts[] = {
    "apikey", "bearer",   "cookie",     "credential", "csrf", "hmac",
    "jwt",    "passcode", "passphrase", "passw",      "pwd",  "secret",
    "sessid", "session",  "signature",  "token",      "xsrf"};
constexpr std::string_view kSecretWords[] = {"cred", "otp", "pass", "pin", "sid", "sig", "totp"};
constexpr std::string_view kLettersAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789";

constexpr std::string_view kHeaderFlags[] = {"--header", "-H"};

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

// "oauth2", "authz", "authorization"; not "author" and "authority".
bool names_authentication(std::string_view name) {
  constexpr std::string_view kAuth = "auth";
  for (size_t at = name.find(kAuth); at != name.npos; at = name.find(kAuth, at + 1)) {
    const std::string_view rest = name.substr(at + kAuth.size());
    const bool is_author =
        rest.starts_with("or") && !rest.starts_with("oriz") && !rest.starts_with("oris");
    if (!is_author) return true;
  }
  return false;
}

bool is_secret_singular(std::string_view word) {
  return word.ends_with("key") || std::ranges::find(kSecretWords, word) != std::end(kSecretWords);
}

bool is_secret_word(std::string_view word) {
  while (!word.empty() && word.back() >= '0' && word.back() <= '9') word.remove_suffix(1);
  if (is_secret_singular(word)) return true;
  return word.ends_with('s') && is_secret_singular(word.substr(0, word.size() - 1));
}

bool has_secret_word(std::string_view name) {
  while (!name.empty()) {
    const size_t end = std::min(name.find_first_not_of(kLettersAndDigits), name.size());
    if (is_secret_word(name.substr(0, end))) return true;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return false;
}

// The length of what stands before the value in the same argument: "--name=" or "-N"; 0: there is none.
size_t value_offset(std::string_view flag, std::string_view argument) {
  if (!argument.starts_with(flag) || argument == flag) return 0;
  if (!flag.starts_with("--")) return flag.size();
  return argument[flag.size()] == '=' ? flag.size() + 1 : 0;
}

}  // namespace

bool is_secret_name(std::string_view name) {
  const std::string lower = in_lower_case(name);
  const auto is_in_it = [&](std::string_view part) {
    return lower.find(part) != std::string::npos;
  };
  return std::ranges::any_of(kSecretParts, is_in_it) || names_authentication(lower) ||
         has_secret_word(lower);
}

std::string shown_header(std::string_view header) {
  const size_t colon = header.find(':');
  const std::string_view name = header.substr(0, colon);
  if (!is_secret_name(name)) return std::string(header);
  if (colon == std::string_view::npos) return std::string(kRedacted);
  return std::string(name).append(": ").append(kRedacted);
}

std::vector<std::string> shown_headers(const grpc::Metadata& metadata) {
  std::vector<std::string> all;
  std::string scratch;
  metadata.each_wire(scratch, [&](std::string_view name, std::string_view value) {
    all.push_back(shown_header(std::string(name).append(": ").append(value)));
  });
  return all;
}

void redact(std::vector<std::string>& arguments) {
  bool is_value = false;  // of the flag before
  for (std::string& argument : arguments) {
    if (std::exchange(is_value, false)) {
      argument = shown_header(argument);
      continue;
    }
    for (const std::string_view flag : kHeaderFlags) {
      is_value = is_value || argument == flag;
      const size_t offset = value_offset(flag, argument);
      if (offset == 0) continue;
      const std::string value = argument.substr(offset);
      argument.replace(offset, std::string::npos, shown_header(value));
    }
  }
}

}  // namespace saker::app
