"""Words that may not appear: ways to abort or throw, unchecked access, work left undone.

Each rule is a regular expression over code (comments and literals blanked) or over the raw text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .layers import BELOW_RPC, layer_of
from .source import Finding, SourceFile


def _product(source: SourceFile) -> bool:
    return source.is_cpp and not source.is_test


def _any_cpp(source: SourceFile) -> bool:
    return source.is_cpp


def _may_not_abort(source: SourceFile) -> bool:
    return source.is_cpp and source.path != "src/base/check.cc"


def _library(source: SourceFile) -> bool:
    return _product(source) and source.path.startswith("src/")


def _below_rpc(source: SourceFile) -> bool:
    return _product(source) and layer_of(source.path) in BELOW_RPC


def _call_path(source: SourceFile) -> bool:
    # The one place that lists all codes.
    return _product(source) and source.path != "src/grpc/status.h" and source.path.startswith(
        ("src/grpc/", "src/h2/", "src/hpack/", "src/net/", "src/rpc/", "src/tls/")
    )


def _prose(source: SourceFile) -> bool:
    return not source.path.startswith("tools/saker_lint/") and source.suffix != ".patch"


@dataclass(frozen=True)
class Rule:
    name: str
    pattern: re.Pattern[str]
    message: str
    applies: Callable[[SourceFile], bool]
    raw: bool = False  # look into comments and literals too


_RULES = [
    Rule("assert", re.compile(r"(?<!\w)assert\s*\(|<cassert>|<assert\.h>"),
         "SAKER_DCHECK for our own bugs, a status for anything else", _any_cpp),
    Rule("abort", re.compile(
        r"(?<![\w.>:])(?<!void )(::|std::)?(abort|terminate|quick_exit)\s*\("),
         "only base/check.cc ends the process", _may_not_abort),
    Rule("abort", re.compile(
        r"(?<![\w.>:])(?<!void )(::|std::)?(exit|raise|unreachable|__builtin_trap|__builtin_abort"
        r"|__builtin_unreachable)\s*\("),
         "only base/check.cc ends the process", _product),
    Rule("abort", re.compile(r"(?<![\w.>:])(::|std::)?(_Exit|_exit)\s*\("),
         "only the program's own main loop and signal handlers end it", _library),
    Rule("value", re.compile(r"(\.|->)value\s*\(\s*\)"),
         "throws when there is none: test, then dereference", _product),
    Rule("throw", re.compile(r"\bthrow\b"),
         "no exception is thrown here: Result or Status", _product),
    Rule("shared-ptr",
         re.compile(r"\bstd::(shared_ptr|make_shared|weak_ptr|enable_shared_from_this)\b"),
         "no shared ownership below rpc", _below_rpc),
    Rule("application-status", re.compile(
        r"\bk(InvalidArgument|NotFound|AlreadyExists|FailedPrecondition|Aborted|OutOfRange|DataLoss)\b"),
         "only applications give this status (gRPC statuscodes.md)", _call_path),
    Rule("disabled-test", re.compile(r"\bDISABLED_\w"), "a test runs or goes", _any_cpp),
    Rule("skip-reason", re.compile(r"\bGTEST_SKIP\s*\(\s*\)\s*;"),
         "say why: GTEST_SKIP() << reason", _any_cpp),
    Rule("unfinished", re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"),
         "finish it, or leave it out", _prose, raw=True),
    Rule("history", re.compile(
        r"\b(in (this|the (last|previous)) session|the (spec|task|brief) we were given|as requested"
        r"|as an AI|language model)\b", re.IGNORECASE),
         "say what is, not how it came to be", _prose, raw=True),
]  # fmt: skip


def check(source: SourceFile) -> Iterator[Finding]:
    for rule in _RULES:
        if not rule.applies(source):
            continue
        text = source.text if rule.raw else source.code
        for match in rule.pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield from source.finding(line, rule.name, f"{match.group().strip()}: {rule.message}")
