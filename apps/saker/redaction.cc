#include "redaction.h"

#include <algorithm>
#include <utility>

#include "crypto_request.h"

namespace saker::app {
namespace {

constexpr std::string_view kSecretParts[] = {"authorization", "cookie",  "credential", "passw",
                                             "secret",        "session", "token"};
constexpr std::string_view kSecretWords[] = {"apikey", "auth", "jwt", "key", "pwd"};
constexpr std::string_view kDividers = "-_.";

using Show = std::string (*)(std::string_view value);
struct ShownFlag {
  std::string_view name;
  Show show;
};
constexpr ShownFlag kShownFlags[] = {
    {"--header", shown_header}, {"--server-metrics", shown_url}, {"-H", shown_header}};

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

bool has_secret_word(std::string_view name) {
  while (!name.empty()) {
    const size_t end = std::min(name.find_first_of(kDividers), name.size());
    if (std::ranges::find(kSecretWords, name.substr(0, end)) != std::end(kSecretWords)) return true;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return false;
}

// The length of what stands before the value in the same argument: "--name=" or "-N"; 0: there is none.
size_t value_offset(const ShownFlag& flag, std::string_view argument) {
  if (!argument.starts_with(flag.name) || argument == flag.name) return 0;
  if (!flag.name.starts_with("--")) return flag.name.size();
  return argument[flag.name.size()] == '=' ? flag.name.size() + 1 : 0;
}

}  // namespace

bool is_secret_name(std::string_view name) {
  const std::string lower = in_lower_case(name);
  const auto is_in_it = [&](std::string_view part) {
    return lower.find(part) != std::string::npos;
  };
  return std::ranges::any_of(kSecretParts, is_in_it) || has_secret_word(lower);
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
  metadata.each([&](std::string_view name, std::string_view value) {
    const std::string text = grpc::is_binary_name(name) ? to_base64(value) : std::string(value);
    all.push_back(shown_header(std::string(name).append(": ").append(text)));
  });
  return all;
}

std::string shown_url(std::string_view url) {
  const size_t query = url.find('?');
  if (query == std::string_view::npos) return std::string(url);
  return std::string(url.substr(0, query + 1)).append(kRedacted);
}

void redact(std::vector<std::string>& arguments) {
  Show next = nullptr;  // of the value that a flag has left to the argument behind it
  for (std::string& argument : arguments) {
    const Show show = std::exchange(next, nullptr);
    for (const ShownFlag& flag : kShownFlags) {
      if (argument == flag.name) next = flag.show;
      const size_t offset = value_offset(flag, argument);
      if (offset == 0 || show != nullptr) continue;
      const std::string value = argument.substr(offset);
      argument.replace(offset, std::string::npos, flag.show(value));
    }
    if (show != nullptr && next == nullptr) argument = show(argument);
  }
}

}  // namespace saker::app
