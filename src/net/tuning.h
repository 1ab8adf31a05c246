// Every number of this folder that is a choice and not a rule, in one place. Whatever a user may
// set has an option of its own (ListenOptions, ConnectOptions,
// EpollLoopOptions); these are the rest.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "saker/base/time.h"

namespace saker::net::tuning {

// Events fetched by one epoll_wait. More connections than this simply take another turn.
inline constexpr int kEventsPerWait = 256;

// A deadline at most this far away is the sleep's own timeout; others share a timer. Calls in a
// row, each with a deadline of its own, then cost no timer each.
inline constexpr Duration kNearDeadline = std::chrono::milliseconds(20);

// Pieces handed to one sendmsg(). 64 chunks of 64 KiB are 4 MiB, more than a socket buffer takes.
inline constexpr size_t kIovecsPerSend = 64;

// Connections accepted by one listener in one turn,
// so that a connect storm cannot starve the streams.
inline constexpr int kAcceptsPerTurn = 64;

// Rest after accept() ran out of descriptors or memory: the backlog keeps the newcomers meanwhile.
inline constexpr Duration kAcceptRest = std::chrono::milliseconds(100);

// The kernel's own keepalive, for relayed connections.
inline constexpr int kKeepaliveIdleSeconds = 60;
inline constexpr int kKeepaliveIntervalSeconds = 15;
inline constexpr int kKeepaliveProbes = 4;

// How old the offset between wall clock and monotonic clock may get.
inline constexpr Duration kWallOffsetAge = std::chrono::seconds(1);

// A Unix listener with a full backlog answers connect() with EAGAIN at once;
// ask again this much later.
inline constexpr Duration kUnixConnectRetry = std::chrono::milliseconds(5);

// The kernel's limit for one VSOCK connect. A guest whose driver is not up yet swallows the request
// silently, and the kernel's default of 2 s is what callers then wait for
// (kata-containers/runtime#1917); many short tries start faster.
inline constexpr Duration kVsockConnectTimeout = std::chrono::milliseconds(500);

// A multiplexer says nothing while its guest boots; many short tries start faster here, too.
inline constexpr Duration kMuxReplyTimeout = std::chrono::milliseconds(500);

// The multiplexer's answer is "OK <port>\n", 14 bytes at most;
// whoever sends more is not a multiplexer.
inline constexpr size_t kMuxReplyBytes = 32;

// After a write failed, what the peer sent before (a GOAWAY, say) is still read, but not for ever.
inline constexpr int kReadsAfterBrokenWrite = 64;

// Bytes of unread input thrown away when a TCP stream closes; see EpollStream::close().
inline constexpr size_t kDrainOnCloseBytes = 4 << 20;

// Plaintext that TLS encrypts for one write of its transport; the rest of a long submit waits as it
// is, so that it is not in memory twice.
inline constexpr size_t kTlsWriteBytes = 256 * 1024;

// limit: of TLS in one turn of the loop: a record costs some 3 us, however little is in it. The rest waits.
inline constexpr uint32_t kTlsRecordsPerTurn = 64;

// What TLS itself may owe a peer that does not read (answers to key updates, say).
inline constexpr size_t kTlsUnsentBytes = 64 * 1024;

// Rounds of turn-end tasks in one turn: those asked for during the turn,
// then those asked for by these.
inline constexpr int kTurnEndRounds = 2;

}  // namespace saker::net::tuning
