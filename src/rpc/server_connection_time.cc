// What a ServerConnection does when time has passed: deadlines of its peer's, keepalive, writes that stand
// still, rest, age.
#include "saker/rpc/server_connection.h"
#include "saker/rpc/server_loop.h"

namespace saker::rpc {
namespace {

constexpr uint64_t kKeepalivePing = 0x73616b65'726b6565;  // "sakerkee"
constexpr Duration kIdleAfter = std::chrono::seconds(2);

}  // namespace

// A timer that fires too early is cheaper than one that is moved on every call.
void ServerConnection::arm_timer() {
  if (ended_) return;
  if (idle_check_at_ == kNever && calls_ == 0) {
    idle_check_at_ = time_after(active_at_, kIdleAfter);
  }
  const Time ping_due = reading_paused_ ? kNever : keepalive_.poll_timeout(calls_ != 0);
  const Time due = std::min({engine_.poll_timeout(), ping_due, close_by_, idle_check_at_,
                             age_.poll_timeout(calls_ != 0)});
  if (due == kNever) return;
  if (!armed() || due < deadline()) loop_.loop().arm(*this, due);
}

void ServerConnection::on_timer(Time now) {
  in_turn_ = true;
  hold_to_time(now);
  if (close_by_ <= now && !ended_) check_write(now);
  if (idle_check_at_ <= now) check_idle(now);
  check_age(now);
  turn();
}

void ServerConnection::hold_to_time(Time now) {
  engine_.handle_timeout(now);
  if (reading_paused_) return;
  if (stream_->write_in_flight()) return keepalive_.on_activity(now);  // check_write() judges that
  switch (keepalive_.handle_timeout(now, calls_ != 0)) {
    case Keepalive::Action::kSendPing:
      engine_.send_ping(kKeepalivePing);
      break;
    case Keepalive::Action::kDead:
      close_stream();
      break;
    case Keepalive::Action::kNone:
      break;
  }
}

// A write takes what its peer's network takes; only one that stands still ends the connection. The
// last words of a connection that is over have no more than their time.
void ServerConnection::check_write(Time now) {
  const size_t unsent = stream_->unsent_bytes();
  if (!engine_.alive() || unsent >= unsent_then_) return close_stream();
  unsent_then_ = unsent;
  close_by_ = time_after(now, loop_.options().write_stall_timeout);
}

// A connection that rests gives back what only a busy one needs.
void ServerConnection::check_idle(Time now) {
  idle_check_at_ = kNever;
  if (calls_ != 0 || ended_) return;
  if (now - active_at_ >= kIdleAfter) {
    engine_.release_idle_memory();
    idle_check_at_ = kNever - Duration{1};  // until the next call: nothing to look for
  }
}

void ServerConnection::check_age(Time now) {
  switch (age_.handle_timeout(now, calls_ != 0)) {
    case ConnectionAge::Action::kNone:
      return;
    case ConnectionAge::Action::kDrainIdle:
      return engine_.start_drain(now, "max_idle");
    case ConnectionAge::Action::kDrainOld:
      return engine_.start_drain(now, "max_age");
    case ConnectionAge::Action::kClose:
      return engine_.shut_down(h2::ErrorCode::kNoError, "max_age");
  }
}

// What the client has said since we do not know: it is late with nothing.
void ServerConnection::pause_reading(bool paused) {
  const Time now = loop_.loop().now();
  reading_paused_ = paused;
  stream_->pause_reading(paused);
  if (paused) return engine_.pause_input(now);
  engine_.resume_input(now);
  keepalive_.on_activity(now);
}

}  // namespace saker::rpc
