"""Layering: which folder may include which, and what the pure layers must not touch.

The tables below are ARCHITECTURE.md's rules. Paths are read from #include lines: "saker/LAYER/x.h"
for our own headers, anything else is a library's or the system's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .source import Finding, SourceFile

# What each folder of src/ may include, beside itself. What these include is allowed with them.
_USES = {
    "base": [],
    "hpack": ["base"],
    "grpc": ["base"],
    "tls": ["base"],
    "bench": ["base"],
    "h2": ["base", "hpack"],
    "net": ["base", "tls"],
    "rpc": ["h2", "grpc", "net"],
}
# A service sees the call (rpc) and its vocabulary, never the wire.
_SERVICE_USES = {"base", "grpc", "rpc"}
_LAYERS = set(_USES) | {"services"}

PURE = {"base", "hpack", "h2", "grpc", "bench"}
BELOW_RPC = PURE | {"tls", "net"}

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
_IMPURE_HEADERS = re.compile(
    r"^(sys/.*|unistd\.h|pthread\.h|fcntl\.h|netinet/.*|arpa/.*|linux/.*|time\.h|signal\.h"
    r"|c?errno(\.h)?|thread|mutex|shared_mutex|condition_variable|future|fstream|iostream"
    r"|filesystem|openssl/.*|spdlog/.*|google/protobuf/.*)$"
)
_LOCK_HEADERS = re.compile(r"^(mutex|shared_mutex|condition_variable|future)$")
_GENERATED = re.compile(r"\.(pb|saker)\.h$")
_IMPURE_CODE = [
    (re.compile(r"::now\s*\("), "reads a clock: `now` is an argument here"),
    (re.compile(r"\b(clock_gettime|gettimeofday|time)\s*\(\s*(CLOCK_|nullptr|NULL|&|0\s*\))"),
     "reads a clock: `now` is an argument here"),
    (re.compile(r"\berrno\b"), "reads errno: a pure layer makes no system call"),
    (re.compile(r"\bthread_local\b"), "keeps thread state: a pure layer knows no threads"),
]  # fmt: skip


def _closure(layer: str) -> set[str]:
    result = {layer}
    for used in _USES[layer]:
        result |= _closure(used)
    return result


def layer_of(path: str) -> str | None:
    """The folder of src/ that `path` lies in; None for apps, tests and the like, which see all."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def includes(source: SourceFile) -> Iterator[tuple[int, str, bool]]:
    """(line, path, written in quotes) of each #include."""
    text = source.code_with_strings
    for match in _INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield line, match.group(1) or match.group(2), match.group(1) is not None


def _own_include(source: SourceFile, layer: str, path: str) -> str | None:
    """Why the header saker/... may not be included from `layer`; None if it may."""
    parts = path.split("/")
    target = parts[1]
    if _GENERATED.search(path) or target not in _LAYERS:
        if layer in BELOW_RPC and not source.is_test:
            return f"{layer} may not include {path}: messages begin at rpc"
        return None
    if layer == "services":
        same = source.path.split("/")[2] == parts[2] if target == "services" else False
        if target in _SERVICE_USES or same:
            return None
        return f"a service may include base, grpc, rpc and itself, not {path}"
    if target in _closure(layer):
        return None
    return f"{layer} may not include {path}; allowed: {', '.join(sorted(_closure(layer)))}"


def _check_quoted(source: SourceFile, layer: str | None, path: str) -> str | None:
    if not path.startswith("saker/"):
        in_layer = layer is not None and not source.is_test and not _GENERATED.search(path)
        return f'write "{path}" by its layer: "saker/<layer>/..."' if in_layer else None
    return _own_include(source, layer, path) if layer else None


def _check_system(source: SourceFile, layer: str | None, path: str) -> str | None:
    if layer is None or source.is_test:
        return None
    if layer in PURE and _IMPURE_HEADERS.match(path):
        return f"<{path}> in {layer}, a pure layer: no descriptor, clock, thread or log"
    if layer in BELOW_RPC and _LOCK_HEADERS.match(path):
        return f"<{path}> in {layer}: no locks below rpc"
    return None


def _check_own_header_first(source: SourceFile, headers: set[str]) -> list[Finding]:
    own = source.path.removesuffix(".cc") + ".h"
    if source.suffix != ".cc" or own not in headers or not source.path.startswith("src/"):
        return []
    expected = "saker/" + own.removeprefix("src/")
    for line, path, _ in includes(source):
        if path != expected:
            return source.finding(line, "own-header-first", f'include "{expected}" first')
        break
    return []


def _check_pure_code(source: SourceFile) -> Iterator[Finding]:
    for pattern, why in _IMPURE_CODE:
        for match in pattern.finditer(source.code):
            yield from source.finding(source.line_of(match.start()), "pure", why)


def check(source: SourceFile, headers: Iterable[str] = ()) -> Iterator[Finding]:
    """`headers`: the paths of all headers, to tell whether a source has one of its own."""
    if not source.is_cpp:
        return
    layer = layer_of(source.path)
    if layer is not None and layer not in _LAYERS:
        yield from source.finding(1, "layers", f"src/{layer} is no known layer")
        return
    for line, path, quoted in includes(source):
        check_include = _check_quoted if quoted else _check_system
        why = check_include(source, layer, path)
        if why:
            yield from source.finding(line, "layers", why)
    if layer in PURE and not source.is_test:
        yield from _check_pure_code(source)
    yield from _check_own_header_first(source, set(headers))
