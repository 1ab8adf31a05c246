"""Rules that a file's text alone decides: whitespace, size, opening comment, `#pragma once`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .source import Finding, SourceFile

MAX_LINES = 800
SPLIT_LINES = 400  # look for a split from here on

_PLAIN = {
    *(".h", ".cc", ".py", ".sh", ".cmake", ".md", ".proto"),
    *(".json", ".toml", ".yaml", ".yml", ".txt"),
}


def _check_whitespace(source: SourceFile) -> Iterator[Finding]:
    for number, line in enumerate(source.lines, 1):
        if "\t" in line:
            yield from source.finding(number, "whitespace", "a tab")
        if line.endswith((" ", "\t", "\r")):
            yield from source.finding(number, "whitespace", "space at the end of the line")
    last = len(source.lines)
    if source.text and not source.text.endswith("\n"):
        yield from source.finding(last, "whitespace", "no newline at the end of the file")
    elif source.text.endswith("\n\n"):
        yield from source.finding(last - 1, "whitespace", "empty lines at the end of the file")


def _check_size(source: SourceFile) -> Iterator[Finding]:
    lines = source.text.count("\n")
    if lines > MAX_LINES:
        yield from source.finding(1, "file-size", f"{lines} lines; at most {MAX_LINES}")
    elif lines > SPLIT_LINES:
        yield from source.finding(1, "file-size", f"{lines} lines: look for a split", warning=True)


def _is_introduced_elsewhere(source: SourceFile, headers: set[str]) -> bool:
    """A source or test beside its header: the header's opening comment speaks for it."""
    stem = re.sub(r"(_test|_bench|_benchmark)?\.cc$", "", source.path)
    return source.suffix == ".cc" and stem + ".h" in headers


def _check_opening(source: SourceFile, headers: set[str]) -> Iterator[Finding]:
    opens = source.text.lstrip().startswith(("//", "/*"))
    if not opens and not _is_introduced_elsewhere(source, headers):
        why = "no opening comment: what it is, what it does not know, source, thread rule"
        yield from source.finding(1, "opening-comment", why)
    if source.suffix == ".h" and not re.search(r"^#pragma once$", source.text, re.MULTILINE):
        yield from source.finding(1, "pragma-once", "no #pragma once")


def check(source: SourceFile, headers: Iterable[str] = ()) -> Iterator[Finding]:
    """`headers`: the paths of all headers."""
    if source.suffix in _PLAIN or source.is_code:
        yield from _check_whitespace(source)
    if source.is_code:
        yield from _check_size(source)
    if source.is_cpp:
        yield from _check_opening(source, set(headers))
