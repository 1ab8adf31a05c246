#include "redaction.h"

#include <algorithm>
#include <array>

#include "crypto_request.h"

namespace saker::app {
namespace {

constexpr std::array<std::string_view, 6> kSecretWords = {"authorization", "cookie", "key",
                                                          "password",      "secret", "token"};

// The length of what stands before 'name: value' in the same argument; npos: it has none.
size_t header_offset(std::string_view argument) {
  constexpr std::string_view kLong = "--header=";
  if (argument.starts_with(kLong)) return kLong.size();
  const bool is_short = argument.starts_with("-H") && argument.size() > 2;
  return is_short ? 2 : std::string_view::npos;
}

void redact(std::string& argument, size_t offset) {
  const size_t colon = argument.find(':', offset);
  if (colon == std::string::npos) return;
  const std::string_view name = std::string_view(argument).substr(offset, colon - offset);
  if (is_secret_name(name)) argument.replace(colon + 1, std::string::npos, " ").append(kRedacted);
}

}  // namespace

bool is_secret_name(std::string_view name) {
  if (grpc::is_binary_name(name)) name.remove_suffix(std::string_view("-bin").size());
  const size_t divider = name.find_last_of("-_.");
  if (divider != std::string_view::npos) name.remove_prefix(divider + 1);
  return std::ranges::find(kSecretWords, name) != kSecretWords.end();
}

std::vector<std::string> shown_headers(const grpc::Metadata& metadata) {
  std::vector<std::string> all;
  metadata.each([&](std::string_view name, std::string_view value) {
    std::string& shown = all.emplace_back(name).append(": ");
    if (is_secret_name(name)) {
      shown.append(kRedacted);
    } else {
      shown.append(grpc::is_binary_name(name) ? to_base64(value) : std::string(value));
    }
  });
  return all;
}

void redact_headers(std::vector<std::string>& arguments) {
  bool is_value = false;
  for (std::string& argument : arguments) {
    const size_t offset = is_value ? 0 : header_offset(argument);
    is_value = argument == "-H" || argument == "--header";
    if (offset != std::string::npos) redact(argument, offset);
  }
}

}  // namespace saker::app
