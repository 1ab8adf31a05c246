"""A file under lint: its text, its code with comments and literals blanked, its place in the tree.

Knows C++ only lexically: comments, string, character and raw string literals, line continuations.
"""

from __future__ import annotations

import functools
import pathlib
import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<comment>//(?:\\\n|[^\n])*|/\*.*?\*/)
  | (?P<raw>\bu?8?[LUu]?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)")
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<number>\b\d[\w.']*)
  | (?P<character>'(?:\\.|[^'\\\n])*')
    """,
    re.VERBOSE | re.DOTALL,
)
_TEST_NAME = re.compile(r"(?<!^self)_(test|testing|test_util|harness|fixture|worlds|bench|benchmark)\.(h|cc)$")
_ALLOW = re.compile(r"lint-allow:\s*([\w-]+)\s+\S")


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str
    warning: bool = False
    verbose_only: bool = False

    def __str__(self) -> str:
        kind = "warning" if self.warning else "error"
        return f"{self.path}:{self.line}: {kind}: {self.message} [{self.rule}]"


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def blank_cpp(text: str, keep_strings: bool = False) -> str:
    """`text` with comments (and literals) replaced by spaces; every line keeps its number."""

    def replacement(match: re.Match[str]) -> str:
        token = match.group()
        if match.group("number"):
            return token
        if match.group("comment"):
            return _blank(token)
        if keep_strings:
            return token
        return token[0] + _blank(token[1:-1]) + token[-1] if len(token) > 1 else token

    return _TOKEN.sub(replacement, text)


class SourceFile:
    """One file; `path` is relative to the root of the repository."""

    def __init__(self, root: pathlib.Path, path: str):
        self.root = root
        self.path = path
        self.suffix = pathlib.PurePosixPath(path).suffix

    @classmethod
    def from_text(cls, path: str, text: str) -> SourceFile:
        source = cls(pathlib.Path("/nonexistent"), path)
        source.__dict__["bytes"] = text.encode()
        return source

    @functools.cached_property
    def bytes(self) -> bytes:
        return (self.root / self.path).read_bytes()

    @functools.cached_property
    def is_binary(self) -> bool:
        return b"\0" in self.bytes[:8192]

    @functools.cached_property
    def text(self) -> str:
        return self.bytes.decode("utf-8", errors="replace")

    @functools.cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @functools.cached_property
    def code(self) -> str:
        """C++ without comments and literals."""
        return blank_cpp(self.text)

    @functools.cached_property
    def code_with_strings(self) -> str:
        return blank_cpp(self.text, keep_strings=True)

    @property
    def is_cpp(self) -> bool:
        return self.suffix in (".h", ".cc")

    @property
    def is_test(self) -> bool:
        name = pathlib.PurePosixPath(self.path).name
        in_src = self.path.startswith(("src/", "apps/", "codegen/"))
        return not in_src or bool(_TEST_NAME.search(name))

    @property
    def is_python(self) -> bool:
        return self.suffix == ".py" or self._shebang().endswith("python3")

    @property
    def is_shell(self) -> bool:
        return self.suffix == ".sh" or bool(re.search(r"\b(ba|da)?sh$", self._shebang()))

    @property
    def is_code(self) -> bool:
        return self.is_cpp or self.is_python or self.is_shell

    def _shebang(self) -> str:
        return self.lines[0].strip() if self.bytes.startswith(b"#!") else ""

    def line_of(self, offset: int) -> int:
        return self.code.count("\n", 0, offset) + 1

    def allows(self, rule: str, line: int) -> bool:
        """Whether a comment `lint-allow: RULE why` stands on that line or on the one above."""
        for text in self.lines[max(line - 2, 0) : line]:
            match = _ALLOW.search(text)
            if match and match.group(1) == rule:
                return True
        return False

    def finding(self, line: int, rule: str, message: str, **flags: bool) -> list[Finding]:
        if self.allows(rule, line):
            return []
        return [Finding(self.path, line, rule, message, **flags)]
