// What reports and messages may say of a command line: values that let their owner in (tokens, passwords,
// keys, cookies) stay out of what is passed around. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "saker/grpc/metadata.h"

namespace saker::app {

// Takes the place of a value.
inline constexpr std::string_view kRedacted = "...";

// When in doubt it is secret: a word too many costs a reader a value, one too few its owner the account. In
// any case of letters:
// - anywhere in it: "apikey", "auth" (but not "author" and "authority"), "bearer", "cookie", "credential",
//   "csrf", "hmac", "jwt", "passcode", "passphrase", "passw", "pwd", "secret", "sessid", "session",
//   "signature", "token", "xsrf";
// - one of its words, which anything but letters and digits divides: what ends in "key" (so does "monkey"),
//   "cred", "otp", "pass", "pin", "sid", "sig", "totp"; as a plural too, and numbered ("keys", "pin2").
bool is_secret_name(std::string_view name);
// 'name: value' as typed, or "name: ..." where it is secret. Without a colon, which is a mistake, a value
// may be in what would be the name: "..." where that is secret.
std::string shown_header(std::string_view header);
// "name: value", or "name: ..." where it is secret; binary values in base64 as on the
// wire, without padding.
std::vector<std::string> shown_headers(const grpc::Metadata& metadata);
// Arguments of a command line, with -H and --header in any of their forms as above.
void redact(std::vector<std::string>& arguments);

}  // namespace saker::app
