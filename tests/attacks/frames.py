"""Bytes of HTTP/2 and gRPC as an attacker writes them: right, nearly right and wrong.

Knows no socket. Blocks use literals without indexing, so that any of them may be sent any number of
times. The reader asks for a header table of 0 bytes (RFC 7541 section 4.2), whereupon all that Saker
sends are literals and indices of the static table.
"""

from __future__ import annotations

import dataclasses
import functools
import struct
from collections.abc import Iterable, Iterator

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = range(5)
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(5, 10)

ACK = END_STREAM = 1
END_HEADERS = 4
PADDED = 8

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS = 1, 2, 3
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 4, 5, 6

MAX_STREAM_ID = MAX_WINDOW = 2**31 - 1

ERRORS = (
    "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED "
    "FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM "
    "INADEQUATE_SECURITY HTTP_1_1_REQUIRED"
).split()
CANCEL = ERRORS.index("CANCEL")

Fields = Iterable[tuple[str, str]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">HBBBI", len(payload) >> 8, len(payload) & 255, kind, flags, stream) + payload


# ---- frame by frame


def settings(*entries: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *entry) for entry in entries))


SETTINGS_ACK = frame(SETTINGS, ACK, 0)


def ping(opaque: int = 0, ack: bool = False) -> bytes:
    return frame(PING, ACK if ack else 0, 0, struct.pack(">Q", opaque))


def goaway(last: int = 0, code: int = 0, debug: bytes = b"") -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code) + debug)


def rst_stream(stream: int, code: int = CANCEL) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def priority(stream: int, on: int = 0) -> bytes:
    return frame(PRIORITY, 0, stream, struct.pack(">IB", on, 0))


def data(stream: int, payload: bytes = b"", end: bool = False) -> bytes:
    return frame(DATA, END_STREAM if end else 0, stream, payload)


def headers(stream: int, block: bytes, end: bool = False, whole: bool = True) -> bytes:
    flags = (END_STREAM if end else 0) | (END_HEADERS if whole else 0)
    return frame(HEADERS, flags, stream, block)


def continuation(stream: int, block: bytes = b"", last: bool = False) -> bytes:
    return frame(CONTINUATION, END_HEADERS if last else 0, stream, block)


# ---- header blocks (RFC 7541)


def integer(value: int, bits: int, first: int = 0) -> bytes:
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out = bytearray([first | most])
    value -= most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(value: str | bytes) -> bytes:
    raw = value if isinstance(value, bytes) else value.encode("latin-1")
    return integer(len(raw), 7) + raw


def literal(name: str | bytes, value: str | bytes, indexed: bool = False) -> bytes:
    return (b"\x40" if indexed else b"\0") + text(name) + text(value)


def block_of(fields: Fields) -> bytes:
    return b"".join(literal(name, value) for name, value in fields)


def broken_blocks(head: bytes) -> dict[str, bytes]:
    """Integers, strings and codes that end a connection wherever they stand, with a legal `head` beside some."""
    five = b"\xff\xff\xff\xff"
    return {
        "an index of 2^35": b"\xff" + five + b"\xff\x7f",
        "an index beyond the tables": b"\xfe",
        "index 0": b"\x80",
        "a name of 4 GiB": b"\0\x7f" + five + b"\x0f" + b"x",
        "a value of 4 GiB": b"\0\1x\x7f" + five + b"\x0f",
        "an integer that never ends": b"\xff" + b"\x80" * 1000,
        "an integer that is cut": b"\xff\x80",
        "a string that is cut": b"\0\1x\x05abc",
        "Huffman code that is none": b"\0\1x\x84" + five,
        "a size update at the end": head + b"\x20",
        "three size updates": b"\x20\x20\x20" + head,
        "size updates alone": b"\x20" * 16_000,
        "a table of 1 GiB": b"\x3f\xe1\xff\xff\xff\x03" + head,
    }


WHY_BROKEN = {  # what Saker says of them
    "an index of 2^35": "index cut off or too large",
    "an index beyond the tables": "index beyond the table",
    "index 0": "index 0",
    "a name of 4 GiB": "string length cut off or too large",
    "a value of 4 GiB": "string length cut off or too large",
    "an integer that never ends": "index cut off or too large",
    "an integer that is cut": "index cut off or too large",
    "a string that is cut": "string longer than the block",
    "Huffman code that is none": "malformed Huffman code",
    "a size update at the end": "size update after the start of the block",
    "three size updates": "more than two size updates",
    "size updates alone": "more than two size updates",
    "a table of 1 GiB": "size update too large",
}


ECHO = "/saker.echo.v1.Echo/Echo"


def request_fields(path: str = ECHO, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "attacks"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        *more,
    ]


@functools.lru_cache(maxsize=64)
def request_head(path: str = ECHO, *more: tuple[str, str]) -> bytes:
    return block_of(request_fields(path, *more))


# ---- gRPC messages and the few protobuf fields that are needed


def message(payload: bytes, compressed: bool = False) -> bytes:
    return struct.pack(">BI", compressed, len(payload)) + payload


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def bytes_field(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def number_field(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def echo_request(payload: bytes) -> bytes:
    return message(bytes_field(1, payload))


def in_frames(stream: int, payload: bytes, end: bool = True, size: int = 16384) -> bytes:
    """DATA frames of one payload."""
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    last = len(pieces) - 1
    return b"".join(data(stream, piece, end and i == last) for i, piece in enumerate(pieces))


@functools.lru_cache(maxsize=64)
def count(sent: bytes) -> int:
    """How many frames these bytes are; a part of one counts as one."""
    at = number = 0
    while at < len(sent):
        at += 9 + int.from_bytes(sent[at : at + 3], "big")
        number += 1
    return number


def call(stream: int, request: bytes, path: str = ECHO, *more: tuple[str, str]) -> bytes:
    return headers(stream, request_head(path, *more)) + in_frames(stream, request)


# ---- what comes back


@dataclasses.dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes


class FrameReader:
    """Bytes in, whole frames out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, received: bytes) -> Iterator[Frame]:
        got = self._rest + received
        at = 0
        while len(got) - at >= 9:
            high, low, kind, flags, stream = struct.unpack_from(">HBBBI", got, at)
            end = at + 9 + (high << 8 | low)
            if len(got) < end:
                break
            yield Frame(kind, flags, stream & MAX_STREAM_ID, got[at + 9 : end])
            at = end
        self._rest = got[at:]


class ClientReader(FrameReader):
    """Of what a client sends: its preface, then frames."""

    def __init__(self) -> None:
        super().__init__()
        self._preface_due = PREFACE

    def feed(self, received: bytes) -> Iterator[Frame]:
        size = min(len(received), len(self._preface_due))
        assert received[:size] == self._preface_due[:size], "not a client's preface"
        self._preface_due = self._preface_due[size:]
        return super().feed(received[size:])


STATIC = {8: (":status", "200"), 9: (":status", "204"), 10: (":status", "206"),
          11: (":status", "304"), 12: (":status", "400"), 13: (":status", "404"),
          14: (":status", "500"), 22: ("allow", ""), 31: ("content-type", "")}  # fmt: skip


def read_integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    most = (1 << bits) - 1
    value = block[at] & most
    at += 1
    if value < most:
        return value, at
    shift = 0
    while True:
        value += (block[at] & 127) << shift
        shift += 7
        at += 1
        if block[at - 1] < 128:
            return value, at


def read_block(block: bytes) -> dict[str, str]:
    """What Saker sends to a peer whose header table has 0 bytes."""
    fields: dict[str, str] = {}
    at = 0

    def take_text() -> str:
        nonlocal at
        assert block[at] < 128, "Huffman code is for what enters the table"
        size, at = read_integer(block, at, 7)
        at += size
        return block[at - size : at].decode("latin-1")

    while at < len(block):
        first = block[at]
        if first >= 0x80:
            index, at = read_integer(block, at, 7)
            fields.update([STATIC[index]])
            continue
        if first & 0xE0 == 0x20:
            _, at = read_integer(block, at, 5)
            continue
        index, at = read_integer(block, at, 6 if first & 0x40 else 4)
        name = STATIC.get(index, (f"#{index}", ""))[0] if index else take_text()
        fields[name] = take_text()
    return fields
