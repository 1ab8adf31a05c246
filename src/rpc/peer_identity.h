// For handlers: what ServerContext::peer().identity points to, the names in a verified certificate.
#pragma once

#include "saker/tls/identity.h"  // IWYU pragma: export
