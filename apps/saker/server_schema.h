// ServerSchema: the schema of a running server, by its reflection. Files are fetched as they are
// needed and kept.
#pragma once

#include <memory>

#include "client_session.h"
#include "schema.h"

namespace saker::app {

// `session` must outlive the schema.
std::unique_ptr<Schema> make_server_schema(ClientSession& session);

}  // namespace saker::app
