"""Checks that other programs make: clang-format, clang-tidy, bash -n, shellcheck, Python itself.

A program that is not installed fails the lint, except shellcheck, which is left out with a warning.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from .source import Finding, SourceFile

CLANG_FORMAT = "clang-format-19"
CLANG_TIDY = "clang-tidy-19"
_BATCH = 16
# The compile commands are GCC's: their warning options mean little to clang, and warnings are the
# compiler's business anyway.
_TIDY_EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-everything"]


def _run(command: list[str], root: pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


def _parallel(
    work: Callable[[list[str]], list[Finding]], paths: list[str], batch: int
) -> Iterator[Finding]:
    batches = [paths[at : at + batch] for at in range(0, len(paths), batch)]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for findings in pool.map(work, batches):
            yield from findings


def _missing(program: str) -> Finding:
    return Finding(program, 1, "programs", "not installed; run: ./dev deps")


def check_format(root: pathlib.Path, sources: list[SourceFile]) -> Iterator[Finding]:
    if not shutil.which(CLANG_FORMAT):
        yield _missing(CLANG_FORMAT)
        return

    def work(paths: list[str]) -> list[Finding]:
        result = _run([CLANG_FORMAT, "--dry-run", *paths], root)
        first: dict[str, int] = {}
        for path, line in re.findall(r"^(\S+?):(\d+):\d+: ", result.stderr, re.MULTILINE):
            first.setdefault(path, int(line))
        text = "not formatted; run: ./dev format"
        return [Finding(path, line, "format", text) for path, line in first.items()]

    yield from _parallel(work, [s.path for s in sources if s.is_cpp], _BATCH)


def fix_format(root: pathlib.Path, sources: list[SourceFile]) -> int:
    paths = [s.path for s in sources if s.is_cpp]
    if not paths:
        return 0
    return subprocess.run([CLANG_FORMAT, "-i", *paths], cwd=root, check=False).returncode


def _tidy_findings(root: pathlib.Path, output: str) -> list[Finding]:
    findings = []
    pattern = r"^(\S+?):(\d+):\d+: (?:warning|error): (.*) \[([\w.,-]+)\]$"
    for path, line, message, rule in re.findall(pattern, output, re.MULTILINE):
        relative = os.path.relpath(path, root)
        source = SourceFile(root, relative)
        findings += source.finding(int(line), rule.split(",")[0], message)
    return findings


def compiled_sources(root: pathlib.Path, build: pathlib.Path) -> set[str]:
    commands = json.loads((build / "compile_commands.json").read_text())
    return {os.path.relpath(os.path.realpath(entry["file"]), root) for entry in commands}


def check_tidy(root: pathlib.Path, paths: list[str]) -> Iterator[Finding]:
    """clang-tidy on the named .cc files, with the release build's compile commands."""
    build = root / "build/release"
    if not (build / "compile_commands.json").exists():
        yield Finding("build/release", 1, "tidy", "no compile commands; run: ./dev build")
        return
    if not shutil.which(CLANG_TIDY):
        yield _missing(CLANG_TIDY)
        return
    known = compiled_sources(root, build)

    def work(batch: list[str]) -> list[Finding]:
        command = [CLANG_TIDY, "--quiet", "-p", str(build), *_TIDY_EXTRA, *batch]
        result = _run(command, root)
        findings = _tidy_findings(root, result.stdout)
        if result.returncode != 0 and not findings:
            why = result.stderr.strip() or "clang-tidy failed"
            findings.append(Finding(batch[0], 1, "tidy", why))
        return findings

    yield from _parallel(work, sorted(known.intersection(paths)), 1)


def check_shell(root: pathlib.Path, sources: list[SourceFile]) -> Iterator[Finding]:
    scripts = [source for source in sources if source.is_shell]
    for source in scripts:
        result = _run(["bash", "-n", source.path], root)
        if result.returncode != 0:
            yield Finding(source.path, 1, "shell", result.stderr.strip())
    if not scripts:
        return
    if not shutil.which("shellcheck"):
        yield Finding("shellcheck", 1, "shell", "not installed: scripts not checked", warning=True)
        return
    command = ["shellcheck", "--format=gcc", "--external-sources", "--source-path=SCRIPTDIR"]
    result = _run([*command, "--source-path=.", *(s.path for s in scripts)], root)
    pattern = r"^(\S+?):(\d+):\d+: \w+: (.*) \[(SC\d+)\]$"
    for path, line, message, code in re.findall(pattern, result.stdout, re.MULTILINE):
        yield Finding(path, int(line), code, message)


def check_python(sources: list[SourceFile]) -> Iterator[Finding]:
    for source in sources:
        if not source.is_python:
            continue
        try:
            compile(source.text, source.path, "exec")
        except SyntaxError as error:
            yield Finding(source.path, error.lineno or 1, "python", str(error.msg))
