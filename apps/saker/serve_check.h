// check_files(): what `saker serve --check-config` looks at beyond the settings themselves: that the
// files they name can be used, as a server that starts would use them. It leaves alone what only the
// server may touch: addresses, a token's PIN (a wrong one counts), the audit log's lock.
#pragma once

#include "saker/base/result.h"
#include "serve_options.h"

namespace saker::app {

// The error names the file. Keys that are opened for this are gone when it returns.
Result<void> check_files(const ServeOptions& options);

}  // namespace saker::app
