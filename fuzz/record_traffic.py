#!/usr/bin/env python3
"""Records what a client and a server say to each other, as seeds for the fuzzers of frames.

    fuzz/record_traffic.py --to 127.0.0.1:50051 --name saker-echo [--seeds DIR] -- saker echo 127.0.0.1:{port}

listens on a free port, puts it in place of {port}, runs the command, passes everything on to the server, and writes what
each of the first two connections said, cut at a frame below --most bytes, to DIR/FUZZER/NAME-N (default: fuzz/corpus): for
frame_decoder, frames_nghttp2, server_connection and client_connection, each with the choices that it reads from its end."""
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


def write_seeds(recordings, name, seeds, most):
    for number, (client, server) in enumerate(recordings):
        for fuzzer, tails in TAILS.items():
            for side, said, tail in (("client", client, tails[0]), ("server", server, tails[1])):
                frames = whole_frames(said, most)
                if tail is None or not frames:
                    continue
                folder = pathlib.Path(seeds) / fuzzer
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{name}-{side}-{number}").write_bytes(frames + tail)


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
