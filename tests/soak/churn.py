"""gRPC Python beside the other load: streams of all kinds with payloads of any size, each checked, calls
that are cancelled or too late, and channels that come and go.

`churn.py TCP UNIX TLS CA_FILE` until SIGINT; then a report as `saker bench --json` gives it.
"""

from __future__ import annotations

import atexit
import collections
import importlib
import itertools
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading

import grpc

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
_directory = tempfile.TemporaryDirectory(prefix="saker-soak-")
atexit.register(_directory.cleanup)
subprocess.run(
    ["protoc", f"-I{ROOT / 'proto'}", f"--python_out={_directory.name}",
     str(ROOT / "proto/saker/echo/v1/echo.proto")],
    check=True,
)  # fmt: skip
sys.path.insert(0, _directory.name)
pb = importlib.import_module("saker.echo.v1.echo_pb2")

CALLS_A_CHANNEL = 20
TIMEOUT_S = 60
INTERRUPTED = 130


def crc32c_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC = crc32c_table()


def crc32c(data: bytes) -> int:
    """RFC 3720 section 12.1."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Echo:
    """The service on one channel. Each method is a call: True if every reply was right."""

    def __init__(self, channel: grpc.Channel, chance: random.Random) -> None:
        self.chance = chance
        serialize = pb.EchoRequest.SerializeToString
        prefix, reply = "/saker.echo.v1.Echo/", pb.EchoReply.FromString
        self.unary = channel.unary_unary(prefix + "Echo", serialize, reply)
        self.stream = channel.stream_stream(prefix + "EchoStream", serialize, reply)
        self.collect = channel.stream_unary(
            prefix + "EchoCollect", serialize, pb.EchoCollectReply.FromString
        )
        self.expand = channel.unary_stream(prefix + "EchoExpand", serialize, reply)

    def requests(self, most: int) -> list:
        sizes = [self.chance.randrange(1 << self.chance.randrange(1, most)) for _ in range(8)]
        return [pb.EchoRequest(payload=self.chance.randbytes(size), sequence=i) for i, size in enumerate(sizes)]

    def streams(self) -> bool:
        sent = self.requests(19)
        got = list(self.stream(iter(sent), timeout=TIMEOUT_S))
        return [(r.sequence, r.payload) for r in got] == [(r.sequence, r.payload) for r in sent]

    def collects(self) -> bool:
        sent = self.requests(13)
        payload = b"".join(request.payload for request in sent)
        reply = self.collect(iter(sent), timeout=TIMEOUT_S)
        return (reply.messages, reply.payload_bytes, reply.payload_crc32c) == (
            len(sent), len(payload), crc32c(payload) if payload else 0)  # fmt: skip

    def expands(self) -> bool:
        sent = pb.EchoRequest(payload=self.chance.randbytes(3000), expand_count=self.chance.randrange(50))
        got = list(self.expand(sent, timeout=TIMEOUT_S))
        return [(r.expand_index, r.payload) for r in got] == [
            (index, sent.payload) for index in range(sent.expand_count)
        ]

    def endless(self, timeout: float):
        """Replies every millisecond, for hours."""
        request = pb.EchoRequest(payload=b"x" * 100, expand_count=10_000_000, expand_interval_ns=1_000_000)
        return self.expand(request, timeout=timeout)

    def cancels_a_stream(self) -> bool:
        call = self.endless(TIMEOUT_S)
        right = all(r.payload == b"x" * 100 for r in itertools.islice(call, self.chance.randrange(1, 20)))
        call.cancel()
        return right and next(call, None) is None

    def is_too_late(self) -> bool:
        return all(r.payload == b"x" * 100 for r in self.endless(self.chance.uniform(0.001, 0.05)))

    def cancels_at_once(self) -> bool:
        future = self.unary.future(pb.EchoRequest(payload=b"y" * 10_000), timeout=TIMEOUT_S)
        future.cancel()
        return True


# How a call may end besides OK.
KINDS = {
    Echo.streams: (),
    Echo.collects: (),
    Echo.expands: (),
    Echo.cancels_a_stream: ("CANCELLED",),
    Echo.is_too_late: ("DEADLINE_EXCEEDED",),
    Echo.cancels_at_once: (),
}


def make_call(echo: Echo, kind, report: dict) -> None:
    status = "OK"
    try:
        if not kind(echo):
            report["wrong_replies"] += 1
    except grpc.RpcError as error:
        status = error.code().name
        if status not in KINDS[kind]:
            status = f"{status} ({kind.__name__}: {error.details()})"
    report["counts"][status] += 1


def work(channels, report: dict, over: threading.Event) -> None:
    chance = random.Random()
    for make in itertools.cycle(channels):
        with make() as channel:
            echo = Echo(channel, chance)
            for _ in range(CALLS_A_CHANNEL):
                make_call(echo, chance.choice(list(KINDS)), report)
                if over.is_set():
                    return


def main() -> None:
    tcp, unix, tls, ca = sys.argv[1:]
    trust = grpc.ssl_channel_credentials(pathlib.Path(ca).read_bytes())
    name = (("grpc.ssl_target_name_override", "localhost"),)
    channels = (
        lambda: grpc.insecure_channel(tcp),
        lambda: grpc.insecure_channel(unix),
        lambda: grpc.secure_channel(tls, trust, name),
    )
    report = {"counts": collections.Counter(), "wrong_replies": 0, "unfinished": 0}

    over = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: over.set())
    work(channels, report, over)
    report["statuses"] = [{"name": k, "calls": v} for k, v in report.pop("counts").items()]
    print(json.dumps(report), flush=True)
    sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
