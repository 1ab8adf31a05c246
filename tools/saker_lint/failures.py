"""Failures that nobody asked for, or nobody looks at: what throws without saying `throw`, what catches,
and system calls whose result is dropped.

Knows C++ only lexically, as source.py does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .source import Finding, SourceFile

# Where an exception may end, and whose it is.
CATCHES = {
    "src/rpc/unary_call.h": "a handler's, which becomes INTERNAL",
    "src/rpc/streaming_call.h": "a handler's, which becomes INTERNAL",
    "apps/saker/main.cc": "CLI11 says by one what is wrong with a command line",
    "apps/saker/metrics.cc": "prometheus-cpp throws where it cannot listen",
}
# Functions of ours called at(), which check nothing and throw nothing.
OWN_AT = {
    "src/hpack/dynamic_table.h": "DynamicTable",
    "src/hpack/decoder.cc": "DynamicTable",
    "src/hpack/encoder.cc": "DynamicTable",
    "apps/saker/log_sink.cc": "LogLinePrefix",
}
_CATCH = re.compile(r"\bcatch\s*\(")
_AT = re.compile(r"(?:\.|->)at\s*\(")
_THROWING = [
    (re.compile(r"\bstd::get\s*<"),
     "throws for another alternative: std::get_if (of a tuple: structured bindings)"),
    (re.compile(r"(?<![\w.>])(?:std::)?sto(?:i|l|ul|ll|ull|f|d|ld)\s*\("),
     "throws: std::from_chars"),
    (re.compile(r"\bfilesystem::(?:recursive_)?directory_iterator\b"),
     "its ++ throws: opendir(3)"),
]  # fmt: skip
_FILESYSTEM = re.compile(
    r"\bfilesystem::(?:absolute|canonical|copy(?:_file|_symlink)?|create_\w+|current_path|equivalent"
    r"|exists|file_size|hard_link_count|is_\w+|last_write_time|permissions|proximate|read_symlink"
    r"|relative|remove(?:_all)?|rename|resize_file|space|status|symlink_status|temp_directory_path"
    r"|weakly_canonical)\s*\("
)
_ERROR_CODE = re.compile(r"\bstd::error_code\s*&?\s*(\w+)")

# System calls and those of the C library that can fail. Those are left out that cannot as they are used
# here: clock_gettime and getrusage of what there always is, sigemptyset and its like, close of a descriptor.
_CALLS = (
    r"::(?!close\b|_exit\b|free\b|freeaddrinfo\b|sync\b)[a-z]\w*"
    r"|std::(?:remove|rename|signal)|(?:std::)?(?:fclose|fflush|fputs|fwrite|setvbuf)"
    r"|pthread_\w+|sched_\w+|timerfd_\w+|epoll_\w+|sem_\w+|[gs]etrlimit|prlimit|[gs]etsockopt|getsockname"
    r"|getpeername|munmap|mprotect|madvise|mlock\w*|munlock\w*|fchmod|fchown|chmod|chown|ftruncate|fsync"
    r"|fdatasync|sigaction|sigprocmask|prctl|mallopt|dlclose|ioctl|fcntl|setenv|unsetenv|flock|tcsetattr"
    r"|utimensat|waitpid"
)
_UNCHECKED = re.compile(rf"(?<![\w.>:~])(?P<void>\(void\)\s*!?\s*)?(?P<name>{_CALLS})\s*\(")
# What a statement may stand behind, which then is nobody's value; "(void)" and conditions end with ")".
_BEFORE_STATEMENT = re.compile(r"(?:^|[;{})]|\belse|\bdo)\s*$")


def _product(source: SourceFile) -> bool:
    return source.is_cpp and not source.is_test


def _arguments(code: str, begin: int) -> str:
    """What stands between the parentheses, the first of which ends at `begin`."""
    depth = 1
    for end in range(begin, len(code)):
        depth += {"(": 1, ")": -1}.get(code[end], 0)
        if depth == 0:
            return code[begin:end]
    return code[begin:]


def _check_catches(source: SourceFile) -> Iterator[Finding]:
    if source.path in CATCHES:
        return
    for match in _CATCH.finditer(source.code):
        yield from source.finding(source.line_of(match.start()), "catch",
                                  "exceptions end in the dispatcher, and where a library throws that"
                                  " cannot do otherwise (tools/saker_lint/failures.py)")  # fmt: skip


def _check_throwing(source: SourceFile) -> Iterator[Finding]:
    rules = _THROWING
    if source.path not in OWN_AT:
        rules = [*rules, (_AT, "throws: [] with an index that is known to be there, or find()")]
    for pattern, why in rules:
        for match in pattern.finditer(source.code):
            what = match.group().strip("( ")
            yield from source.finding(source.line_of(match.start()), "throws", f"{what}: {why}")
    errors = set(_ERROR_CODE.findall(source.code))
    for match in _FILESYSTEM.finditer(source.code):
        if errors.isdisjoint(re.findall(r"\w+", _arguments(source.code, match.end()))):
            what = match.group().strip("( ")
            yield from source.finding(source.line_of(match.start()), "throws",
                                      f"{what}: throws without a std::error_code")  # fmt: skip


def _is_statement(code: str, match: re.Match[str]) -> bool:
    end = match.end() + len(_arguments(code, match.end())) + 1
    is_first = _BEFORE_STATEMENT.search(code, max(match.start() - 200, 0), match.start())
    return bool(is_first) and code[end:].lstrip().startswith(";")


def _says_why(source: SourceFile, line: int) -> bool:
    """A comment on that line, or one that ends on the line above."""
    own, above = source.lines[line - 1], source.lines[line - 2] if line > 1 else ""
    return "//" in own or above.lstrip().startswith("//")


def _check_unchecked(source: SourceFile) -> Iterator[Finding]:
    for match in _UNCHECKED.finditer(source.code):
        line = source.line_of(match.start())
        if not _is_statement(source.code, match):
            continue
        if match.group("void") and _says_why(source, line):
            continue
        yield from source.finding(line, "unchecked", f"{match.group('name')}: may fail: look at the"
                                  " result, or `(void)f();  // why`")  # fmt: skip


def check(source: SourceFile) -> Iterator[Finding]:
    if not _product(source):
        return
    yield from _check_catches(source)
    yield from _check_throwing(source)
    yield from _check_unchecked(source)
