// TLS contexts from the files that flags name.
#pragma once

#include <string>

#include "saker/base/result.h"
#include "saker/tls/context.h"
#include "serve_options.h"

namespace saker::app {

inline constexpr uint64_t kMaxPemBytes = 1 << 20;

// The text of `file`, which messages will call "FLAG FILE"; empty for no file.
Result<tls::Pem> read_pem(const std::string& flag, const std::string& file);

// Flags that belong together are there, before any file is read.
Result<void> check_server_tls(const ServeTlsOptions& options);
Result<tls::ServerContext> load_server_tls(const ServeTlsOptions& options);

}  // namespace saker::app
