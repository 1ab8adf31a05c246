#!/usr/bin/env python3
"""Records what a client and a server say to each other, as seeds for the fuzzers of frames, header blocks and messages.

    fuzz/record_traffic.py --to 127.0.0.1:50051 --name saker-echo [--seeds DIR] -- saker echo 127.0.0.1:{port}

listens on a free port, puts it in place of {port}, runs the command, passes everything on to the server, and writes what
each of the first two connections said, cut at a frame below --most bytes, to DIR/FUZZER/NAME-N (default: fuzz/corpus): for
frame_decoder, frames_nghttp2, server_connection and client_connection, each with the choices that it reads from its end. Their
header blocks go to hpack_decoder and hpack_nghttp2, the messages of their first stream that has some to grpc_message."""
import argparse
import pathlib
import socket
import subprocess
import sys
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CONNECTIONS = 2
# What each fuzzer reads from the end of its input: (of a client's bytes, of a server's).
TAILS = {"frame_decoder": (b"\0\0\0\0", b"\0\0\0\1"), "frames_nghttp2": (b"\0\0\0\0", b"\0\0\0\1"),
         "server_connection": (b"\1\0", None), "client_connection": (None, b"\0")}
DATA, HEADERS, CONTINUATION = 0, 1, 9
END_HEADERS, PADDED, PRIORITY = 4, 8, 32
MOST_BLOCK = 255  # of hpack_decoder
# What hpack_decoder reads first, from the end: how blocks are cut, the role, 4096, 16384, 128.
HPACK_TAILS = (bytes((3, 7, 0, 16, 0, 64, 0, 128)), bytes((3, 7, 1, 16, 0, 64, 0, 128)))
# A cut behind 3 bytes, one behind 19 more; their number, at most 65536 bytes of a message, a small budget, nothing behind.
CUTS, CUTS_TAIL = bytes((3, 19)), bytes((2, 1, 0, 0, 16, 0, 1))


def pump(source, sink, said):
    """Passes on and keeps until the end of `source`."""
    try:
        while data := source.recv(65536):
            said.extend(data)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def whole_frames(data, most):
    """The preface is left out: fuzzers put it in front."""
    at = start = len(PREFACE) if data.startswith(PREFACE) else 0
    while at + 9 <= len(data):
        end = at + 9 + int.from_bytes(data[at:at + 3], "big")
        if end > len(data) or end - start > most:
            break
        at = end
    return bytes(data[start:at])


def split_frames(data):
    """(type, flags, stream, payload without padding and priority) of each."""
    at = 0
    while at < len(data):
        size, kind, flags = int.from_bytes(data[at:at + 3], "big"), data[at + 3], data[at + 4]
        stream, payload = int.from_bytes(data[at + 5:at + 9], "big"), data[at + 9:at + 9 + size]
        at += 9 + size
        if kind in (DATA, HEADERS) and flags & PADDED:
            payload = payload[1:len(payload) - payload[0]]
        if kind == HEADERS and flags & PRIORITY:
            payload = payload[5:]
        yield kind, flags, stream, payload


def blocks_of(data):
    """Header blocks, whole, as far as hpack_decoder takes them: tables are wrong behind one that is left out."""
    block = b""
    for kind, flags, _, payload in split_frames(data):
        if kind not in (HEADERS, CONTINUATION):
            continue
        block += payload
        if len(block) > MOST_BLOCK:
            return
        if flags & END_HEADERS:
            yield block
            block = b""


def messages_of(data):
    streams = {}
    for kind, _, stream, payload in split_frames(data):
        if kind == DATA and payload:
            streams[stream] = streams.get(stream, b"") + payload
    return next(iter(streams.values()), b"")


def contents_of(frames, side):
    """(fuzzer, seed) of what the frames carry. FuzzedDataProvider reads numbers backwards, from the end."""
    if blocks := list(blocks_of(frames)):
        joined = b"".join(blocks)
        sizes = b"".join(bytes((1, len(block))) for block in blocks)
        yield "hpack_decoder", joined + (HPACK_TAILS[side] + sizes)[::-1]
        sizes = b"".join(len(block).to_bytes(2, "big") for block in blocks)
        yield "hpack_nghttp2", joined + sizes[::-1]
    if messages := messages_of(frames):
        yield "grpc_message", CUTS + messages + CUTS_TAIL[::-1]


def write_seeds(recordings, name, seeds, most):
    for number, conversation in enumerate(recordings):
        for side, said in enumerate(conversation):
            frames = whole_frames(said, most)
            if not frames:
                continue
            found = [(fuzzer, frames + tails[side]) for fuzzer, tails in TAILS.items() if tails[side] is not None]
            for fuzzer, seed in [*found, *contents_of(frames, side)]:
                folder = pathlib.Path(seeds) / fuzzer
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{name}-{('client', 'server')[side]}-{number}").write_bytes(seed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--most", type=int, default=2000)
    parser.add_argument("--seeds", default=pathlib.Path(__file__).parent / "corpus")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    host, port = arguments.to.rsplit(":", 1)
    recordings, threads = [], []

    def serve():
        while True:
            client, _ = listener.accept()
            server = socket.create_connection((host, int(port)))
            recordings.append((bytearray(), bytearray()))
            for pair, said in zip(((client, server), (server, client)), recordings[-1]):
                threads.append(threading.Thread(target=pump, args=(*pair, said), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        local = str(listener.getsockname()[1])
        command = [word.replace("{port}", local) for word in arguments.command]
        status = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=60, check=False).returncode
    for thread in threads:
        thread.join(1)
    write_seeds(recordings[:CONNECTIONS], arguments.name, arguments.seeds, arguments.most)
    return status


if __name__ == "__main__":
    sys.exit(main())
