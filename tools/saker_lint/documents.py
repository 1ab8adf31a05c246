"""Lists that must agree: limits with docs/limits.md, command line flags with docs/cli.md and tests.

A limit is a member of a struct `...Options` whose comment says `limit:`; docs/limits.md must name
it in backquotes. A flag is what `saker SUB --help` prints; docs/cli.md and a file under tests/ must
have it. A list whose page (or program) does not exist is not compared.
"""

from __future__ import annotations

import pathlib
import re
import subprocess
from collections.abc import Iterable, Iterator

from .source import Finding, SourceFile

_OPTIONS = re.compile(r"\bstruct\s+(\w*Options)\b[^;{]*\{")
_LIMIT = re.compile(r"\b(\w+)\s*(?:=[^;]*|\{[^;]*\})?;[ \t]*//[^\n]*\blimit:")
_SUBCOMMANDS = re.compile(
    r"^(?:Subcommands|SUBCOMMANDS|Commands):?\s*\n((?:[ \t]+\S.*\n|\n)+)", re.MULTILINE
)
_FLAG_COLUMN = re.compile(
    r"^[ \t]+((?:-\w|--[\w-]+)(?:[ \t]*,[ \t]*(?:-\w|--[\w-]+))*)", re.MULTILINE
)
_FLAG = re.compile(r"--[a-z][\w-]*")
_EVERYWHERE = {"--help", "--help-all", "--version"}
_HELP_TIMEOUT_S = 10


def limits(source: SourceFile) -> Iterator[tuple[int, str]]:
    """(line, member) of each member of an Options struct that is marked as a limit."""
    for struct in _OPTIONS.finditer(source.text):
        end = source.text.find("\n};", struct.end())
        body = source.text[struct.end() : end if end >= 0 else len(source.text)]
        for match in _LIMIT.finditer(body):
            at = struct.end() + match.start(1)
            yield source.text.count("\n", 0, at) + 1, match.group(1)


def check_limits(root: pathlib.Path, sources: Iterable[SourceFile]) -> Iterator[Finding]:
    page = root / "docs/limits.md"
    if not page.exists():
        return
    named = set(re.findall(r"`([^`\n]+)`", page.read_text()))
    for source in sources:
        if source.suffix != ".h" or source.is_test:
            continue
        for line, name in limits(source):
            if name not in named:
                yield from source.finding(line, "limits", f"`{name}` has no row in docs/limits.md")


def flags_of(help_text: str) -> set[str]:
    columns = _FLAG_COLUMN.findall(help_text)
    return {flag for column in columns for flag in _FLAG.findall(column)} - _EVERYWHERE


def subcommands_of(help_text: str) -> list[str]:
    names = []
    for block in _SUBCOMMANDS.findall(help_text):
        names += re.findall(r"^[ \t]{1,4}([a-z][\w-]*)(?:\s|,|$)", block, re.MULTILINE)
    return names


def _help(program: pathlib.Path, command: list[str]) -> str:
    result = subprocess.run(
        [program, *command, "--help"],
        capture_output=True,
        text=True,
        timeout=_HELP_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return result.stdout + result.stderr


def _all_flags(program: pathlib.Path, command: list[str]) -> Iterator[tuple[str, str]]:
    """(command, flag) of `command` and of everything below it."""
    text = _help(program, command)
    for flag in sorted(flags_of(text)):
        yield " ".join(command) or "saker", flag
    if len(command) < 3:
        for name in subcommands_of(text):
            yield from _all_flags(program, [*command, name])


def _words(paths: Iterable[pathlib.Path]) -> set[str]:
    words: set[str] = set()
    for path in paths:
        words |= set(re.findall(r"--[a-z][\w-]*", path.read_text(errors="replace")))
    return words


def check_flags(root: pathlib.Path, sources: Iterable[SourceFile]) -> Iterator[Finding]:
    program = root / "build/release/saker"
    page = root / "docs/cli.md"
    if not program.is_file() or not page.exists():
        return
    documented = _words([page])
    tested = _words(root / s.path for s in sources if s.path.startswith("tests/"))
    for command, flag in _all_flags(program, []):
        if flag not in documented:
            yield Finding("docs/cli.md", 1, "flags", f"`{command}` has {flag}: not here")
        if flag not in tested:
            yield Finding("tests", 1, "flags", f"`{command}` has {flag}: in no test")
