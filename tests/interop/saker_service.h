// The test service of interop.proto on Saker's server, and Reflect: a method that hands its bytes
// back, for load generators whose replies must all have one size.
#pragma once

#include "marks.h"
#include "saker/rpc/dispatcher.h"

namespace saker::interop {

// `marks` must outlive the dispatcher.
void register_interop_service(rpc::Dispatcher& dispatcher, Marks& marks);

}  // namespace saker::interop
