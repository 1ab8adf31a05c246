#!/usr/bin/env python3
"""gRPC's official interoperability cases between Saker and every other implementation, each as client of the other, over
TCP and Unix sockets, plain and with TLS.

    tests/interop/peers/run.py [PEER...] [--saker FILE] [--json FILE] [--build-only]

Builds the peers in build/interop, prints a table for each peer, and exits with 1 unless every cell has passed or is one of
the limits that limits.py lists. README.md says more."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import certificates  # noqa: E402
import limits  # noqa: E402
import peer as peers  # noqa: E402

READY_S = 60.0  # a server listens
CLIENT_S = 300.0  # all cases of one client; each of them has a limit of its own
LINE = re.compile(r"^(ok|FAIL)\s+(\S+)\s*(.*)$")


@dataclasses.dataclass
class Cell:
    peer: str
    case: str
    client: str
    server: str
    transport: str
    security: str
    result: str  # "ok", "FAIL", "limit"
    why: str = ""
    less: str = ""  # what a passed cell does not show


@dataclasses.dataclass(frozen=True)
class Column:
    """One client against one server."""

    peer: str  # the one that is not Saker
    client: peers.Peer
    server: peers.Peer
    transport: str
    tls: bool

    @property
    def title(self) -> str:
        return f"{self.client.name}>{self.server.name} {self.transport}{'+tls' if self.tls else ''}"


def say(text: str) -> None:
    print(f"== {text}", flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process that accepts connections; its output is in a file."""

    def __init__(self, peer: peers.Peer, address: str, tls: bool) -> None:
        self.log = tempfile.TemporaryFile()
        command = peer.server(address, tls)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=os.environ | peer.environment()
        )
        end = time.monotonic() + READY_S
        while not self._accepts(address):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{command[0]} does not listen on {address}: {self.tail()}")
            time.sleep(0.02)

    @staticmethod
    def _accepts(address: str) -> bool:
        path = address.removeprefix("unix:")
        is_unix = path != address
        with socket.socket(socket.AF_UNIX if is_unix else socket.AF_INET) as probe:
            host, _, port = address.rpartition(":")
            return probe.connect_ex(path if is_unix else (host, int(port))) == 0

    def tail(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-500:].strip()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.log.close()


def run_client(peer: peers.Peer, address: str, tls: bool, cases: list[str]) -> dict[str, tuple[str, str]]:
    """(result, why) by case, of those that the client has told about."""
    command = peer.client(address, tls, cases)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CLIENT_S, check=False, errors="replace",
                              stdin=subprocess.DEVNULL, env=os.environ | peer.environment())
        output, rest = done.stdout, done.stderr.strip()[-300:]
    except subprocess.TimeoutExpired as error:
        output, rest = (error.stdout or b"").decode(errors="replace"), f"not done in {CLIENT_S:.0f} s"
    results = {match[2]: (match[1], match[3].strip()) for match in map(LINE.match, output.splitlines()) if match}
    return {case: results.get(case, ("FAIL", rest.replace("\n", " ") or "no result")) for case in cases}


def run_cases(column: Column, wanted: list[str], address: str) -> dict[str, tuple[str, str]]:
    results: dict[str, tuple[str, str]] = {}
    try:
        with Server(column.server, address, column.tls) as server:
            groups = [[case] for case in wanted] if column.client.one_case_a_run else [wanted]
            for group in groups:
                results |= run_client(column.client, address, column.tls, group)
            if server.process.poll() is not None:
                results = {case: ("FAIL", f"the server has ended: {server.tail()}") for case in wanted}
    except RuntimeError as error:
        results = {case: ("FAIL", str(error)) for case in wanted}
    return results


def run_column(column: Column, cases: list[str], folder: str) -> list[Cell]:
    reasons, less = {}, {}
    for case in cases:
        for role, peer in (("client", column.client), ("server", column.server)):
            if reason := limits.limit_of(peer.name, role, case):
                reasons[case] = reason
            if reason := limits.less_of(peer.name, role, case):
                less[case] = reason
    wanted = [case for case in cases if case not in reasons]
    address = f"unix:{folder}/{len(os.listdir(folder))}.sock" if column.transport == "unix" else f"127.0.0.1:{free_port()}"
    results = run_cases(column, wanted, address) if wanted else {}
    cells = []
    for case in cases:
        result, why = results[case] if case in results else ("limit", reasons[case])
        cells.append(Cell(column.peer, case, column.client.name, column.server.name, column.transport,
                          "tls" if column.tls else "plain", result, why, less.get(case, "") if result == "ok" else ""))
    return cells


def columns_of(peer: peers.Peer, saker: peers.Peer, with_tls: bool) -> list[Column]:
    pairs = [(saker, peer)] if peer is saker else [(saker, peer), (peer, saker)]
    columns = []
    for tls in (False, True) if with_tls else (False,):
        for transport in peer.transports:
            columns += [Column(peer.name, client, server, transport, tls) for client, server in pairs]
    return columns


def mark_of(cell: Cell) -> str:
    return "-" if cell.result == "limit" else "ok*" if cell.less else cell.result


def print_table(titles: list[str], cases: list[str], columns: list[list[Cell]]) -> None:
    widths = [max(len(title), 5) for title in titles]
    print(f"{'':29}" + "  ".join(title.ljust(width) for title, width in zip(titles, widths)))
    for at, case in enumerate(cases):
        marks = [mark_of(cells[at]) for cells in columns]
        print(f"{case:29}" + "  ".join(mark.ljust(width) for mark, width in zip(marks, widths)))
    for cells in columns:
        for cell in cells:
            if cell.result == "FAIL":
                print(f"FAIL {cell.case}, {cell.client} as client of {cell.server}, {cell.transport} {cell.security}: {cell.why}")
    print(flush=True)


def build(wanted: list[peers.Peer]) -> list[str]:
    """What could not be built, and why."""
    problems = []
    for peer in wanted:
        missing = peer.missing()
        if missing:
            problems.append(f"{peer.name}: not on this machine: {', '.join(missing)}")
            continue
        start = time.monotonic()
        try:
            peer.build()
        except subprocess.CalledProcessError as error:
            problems.append(f"{peer.name}: {' '.join(error.cmd[:3])} ... failed with {error.returncode}")
            continue
        say(f"{peer.name}: {peer.version()}, built in {time.monotonic() - start:.0f} s")
    return problems


def list_cases(saker: peers.Saker) -> list[str]:
    return subprocess.run(
        [saker.binary, "interop-client", "--list"], capture_output=True, text=True, check=True
    ).stdout.split()


def run_matrix(wanted: list[peers.Peer], saker: peers.Saker) -> list[Cell]:
    with_tls = saker.has_tls()
    cases = list_cases(saker)
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory(prefix="saker-interop.") as folder:
        for peer in wanted:
            start = time.monotonic()
            columns = columns_of(peer, saker, with_tls)
            results = [run_column(column, cases, folder) for column in columns]
            say(f"{peer.name} ({peer.version()}), {time.monotonic() - start:.0f} s")
            print_table([column.title for column in columns], cases, results)
            cells += [cell for column in results for cell in column]
    return cells


def print_limits(cells: list[Cell]) -> None:
    found: dict[tuple[str, str, str, str], set[str]] = {}
    for cell in cells:
        if reason := cell.less or (cell.why if cell.result == "limit" else ""):
            mark = mark_of(cell).removeprefix("ok")
            found.setdefault((mark, cell.client, cell.server, reason), set()).add(cell.case)
    for (mark, client, server, why), cases in found.items():
        print(f"{mark}  {client} as client of {server}: {', '.join(sorted(cases))}: {why}")


def print_peers(cells: list[Cell]) -> None:
    """The summary: one line a peer."""
    for peer in dict.fromkeys(cell.peer for cell in cells):
        own = [cell for cell in cells if cell.peer == peer]
        passed, less = sum(cell.result == "ok" for cell in own), sum(bool(cell.less) for cell in own)
        limit = sum(cell.result == "limit" for cell in own)
        print(f"{peer:8}{len(own)} cells: {len(own) - limit} must pass, {passed} did, {less} of them with less; {limit} limits")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["saker", *(each.name for each in peers.PEERS)]
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"{', '.join(names)}; all when left out")
    parser.add_argument("--saker", default=str(peers.ROOT / "build/release/saker"))
    parser.add_argument("--json", default=str(peers.BUILD / "results.json"), help="where every cell is written to")
    parser.add_argument("--build-only", action="store_true")
    options = parser.parse_args()
    unknown = [name for name in options.peers if name not in names]
    if unknown:
        parser.error(f"no peer {', '.join(unknown)}; there are {', '.join(names)}")
    saker = peers.Saker(options.saker)
    every: list[peers.Peer] = [saker, *(each() for each in peers.PEERS)]
    wanted = [peer for peer in every if not options.peers or peer.name in options.peers]
    certificates.make(peers.BUILD / "tls")
    problems = build(wanted)
    unbuilt = {problem.split(":")[0] for problem in problems}
    cells = [] if options.build_only else run_matrix([peer for peer in wanted if peer.name not in unbuilt], saker)
    counts = {result: sum(cell.result == result for cell in cells) for result in ("ok", "FAIL", "limit")}
    pathlib.Path(options.json).write_text(
        json.dumps({"counts": counts, "not_built": problems, "cells": [cell.__dict__ for cell in cells]}, indent=1),
        encoding="utf-8",
    )
    print_limits(cells)
    print_peers(cells)
    for problem in problems:
        print(f"NOT BUILT  {problem}")
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['limit']} limits of the peers, {len(problems)} not built")
    return 1 if counts["FAIL"] or problems else 0


if __name__ == "__main__":
    sys.exit(main())
