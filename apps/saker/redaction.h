// What reports may say of metadata that was given on the command line: values that let their owner in
// (tokens, passwords, keys, cookies) stay out of files that are passed around. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "saker/grpc/metadata.h"

namespace saker::app {

// Takes the place of a value.
inline constexpr std::string_view kRedacted = "...";

// By its last word, which - or _ or . divides from others: authorization, cookie, key, password,
// secret or token; "-bin" behind it does not count.
bool is_secret_name(std::string_view name);
// "name: value", or "name: ..." where it is secret; binary values in base64.
std::vector<std::string> shown_headers(const grpc::Metadata& metadata);
// Arguments of a command line, with -H and --header in any of their forms as above.
void redact_headers(std::vector<std::string>& arguments);

}  // namespace saker::app
