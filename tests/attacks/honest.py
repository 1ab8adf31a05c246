"""The well-behaved client beside an attack: `honest.py ADDRESS`, a process of its own.

One connection, one call at a time, 800 a second, each with a payload of its own that must come back.
A line on stdin ends a round: one line of JSON on stdout says how it went, and the next one begins.

What it measures is the server's part: from the time that the client stamps its request with, just
before send(), to the time that the server stamps the reply with, both on this machine's clock. So
waiting in the socket, waiting for the loop, and handling count; what this client needs to wake up does
not. While a call is late those that were due meanwhile wait too, and are counted as late as they would
have been (coordinated omission).
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
import time

import frames

INTERVAL_NS = 1_250_000
TIMEOUT_S = 30


def connect(address: str) -> socket.socket:
    if address.startswith("unix:"):
        made = socket.socket(socket.AF_UNIX)
        made.connect(address.removeprefix("unix:"))
    else:
        host, port = address.rsplit(":", 1)
        made = socket.create_connection((host, int(port)))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.settimeout(TIMEOUT_S)
    return made


class Client:
    def __init__(self, address: str) -> None:
        self.socket = connect(address)
        self.reader = frames.FrameReader()
        self.stream = 1
        self.received = 0
        self.head = frames.request_head()
        hello = frames.settings((frames.HEADER_TABLE_SIZE, 0))
        self.socket.sendall(frames.PREFACE + hello + frames.SETTINGS_ACK)

    def call(self) -> int:
        """The server's part in ns. Raises what went wrong."""
        stream, self.stream = self.stream, self.stream + 2
        payload = os.urandom(16)
        sent_ns = time.time_ns()
        stamped = frames.bytes_field(1, payload) + b"\x11" + struct.pack("<Q", sent_ns)
        self.socket.sendall(
            frames.headers(stream, self.head) + frames.data(stream, frames.message(stamped), True)
        )
        reply = self.reply(stream)
        if frames.bytes_field(1, payload) != reply[: len(payload) + 2]:
            raise ValueError("another payload came back")
        at = reply.index(b"\x29", len(payload) + 2 + 9 + 9)  # server_send_time_ns, behind two others
        return struct.unpack_from("<Q", reply, at + 1)[0] - sent_ns

    def reply(self, stream: int) -> bytes:
        body = b""
        while True:
            got = self.socket.recv(65536)
            if not got:
                raise ConnectionError("the server closed the connection")
            for one in self.reader.feed(got):
                if one.kind == frames.DATA and one.stream == stream:
                    body += one.payload
                elif one.kind == frames.PING and not one.flags & frames.ACK:
                    self.socket.sendall(frames.frame(frames.PING, frames.ACK, 0, one.payload))
                elif one.kind in (frames.RST_STREAM, frames.GOAWAY):
                    raise ConnectionError(f"frame type {one.kind}: {one.payload!r}")
                elif one.kind == frames.HEADERS and one.flags & frames.END_STREAM:
                    status = frames.read_block(one.payload)["grpc-status"]
                    if status != "0":
                        raise ValueError(f"status {status}")
                    self.give_credit(len(body))
                    return body[5:]

    def give_credit(self, size: int) -> None:
        self.received += size
        if self.received > 16384:
            self.socket.sendall(frames.window_update(0, self.received))
            self.received = 0


def percentile(values: list[int], share: float) -> int:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def round_of(client: Client) -> dict:
    times: list[int] = []
    error = ""
    calls = 0
    due = time.monotonic_ns()
    while not select.select([sys.stdin], [], [], max(0, due - time.monotonic_ns()) / 1e9)[0]:
        try:
            took = client.call()
        except Exception as failure:  # whatever it was is what there is to report
            error = f"{type(failure).__name__}: {failure}"
            break
        calls += 1
        times.append(took)
        while (took := took - INTERVAL_NS) > 0:
            times.append(took)
        due = max(due + INTERVAL_NS, time.monotonic_ns())
    if error:
        sys.stdin.readline()
        return {"calls": calls, "error": error}
    asked = sys.stdin.readline()
    if not asked:
        sys.exit(0)
    if not times:
        return {"calls": 0, "error": "", "p50": 0, "p99": 0}
    return {"calls": calls, "error": "", "p50": percentile(times, 0.5),
            "p99": percentile(times, 0.99)}  # fmt: skip


def main() -> None:
    client = Client(sys.argv[1])
    client.call()
    print("ready", flush=True)
    while True:
        print(json.dumps(round_of(client)), flush=True)


if __name__ == "__main__":
    main()
