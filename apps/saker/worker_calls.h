// The calls of a worker's client, by rpc_type and payload:
//
//   UNARY                  each call is a measurement
//   STREAMING              each request and its reply are one; a stream ends after messages_per_stream
//   STREAMING_FROM_CLIENT  each request is one: from the moment when the one before it was taken
//   STREAMING_FROM_SERVER  each reply is one: from the reply before it
#pragma once

#include <memory>

#include "saker/rpc/channel.h"
#include "worker_load.h"

namespace saker::app {

// Of thread.plan(). Both outlive it.
std::unique_ptr<LoadCall> make_load_call(LoadThread& thread, rpc::Channel& channel);

}  // namespace saker::app
