"""The table that comes out of attacks: on the terminal, and as Markdown."""

from __future__ import annotations

import dataclasses
import pathlib
import sys


@dataclasses.dataclass
class Row:
    """Cells, as text; empty where there is nothing to say."""

    attack: str
    over: str
    reaction: str
    frames: str = ""
    megabytes: str = ""
    connections: str = ""
    memory: str = ""  # MiB
    allowed_memory: str = ""
    ns_per_frame: str = ""
    ns_per_byte: str = ""
    quiet: str = ""  # µs
    attacked: str = ""
    allowed: str = ""
    ratio: str = ""

    def note_latency(self, cells: list[str]) -> None:
        self.quiet, self.attacked, self.allowed, self.ratio = cells


@dataclasses.dataclass
class ClientRow:
    """Of a hostile server: what it did to one of our clients."""

    attack: str
    over: str
    command: str
    code: str
    seconds: str
    memory: str
    allowed_memory: str
    cpu_ms: str
    allowed_cpu_ms: str


rows: list[Row] = []
client_rows: list[ClientRow] = []

TITLES = Row(
    "attack", "over", "reaction", "frames", "MB", "conns", "MiB above rest", "of", "CPU ns/frame", "ns/byte",
    "quiet p99 µs", "attacked", "of", "ratio",
)  # fmt: skip
CLIENT_TITLES = ClientRow(
    "attack by a server", "over", "on", "exit code", "s", "peak MiB", "of", "CPU ms", "of"
)


def cells_of(titles, found) -> list[list[str]]:
    return [list(dataclasses.astuple(row)) for row in (titles, *found)] if found else []


def print_one(lines: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def print_all() -> None:
    print_one(cells_of(TITLES, rows))
    print_one(cells_of(CLIENT_TITLES, client_rows))
    sys.stdout.flush()


def markdown(lines: list[list[str]]) -> str:
    lined = [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines]
    return "".join([*lined[:1], "|---" * len(lines[0]) + "|\n", *lined[1:]]) if lines else ""


def write_markdown(path: str) -> None:
    parts = [markdown(cells_of(TITLES, rows)), markdown(cells_of(CLIENT_TITLES, client_rows))]
    pathlib.Path(path).write_text("\n".join(part for part in parts if part), encoding="utf-8")
