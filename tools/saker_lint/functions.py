"""Function length, by matching braces: no parser, and so a file's macros must not hide braces.

A brace opens a scope (namespace, type), a function body or an initialiser, told apart by the text
between it and the `;`, `{` or `}` before it. What is nested in a function counts as its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .source import Finding, SourceFile

MAX_LINES = 70
AIM_LINES = 40

_PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
_TEMPLATE = re.compile(r"\btemplate\s*<")
_LABEL = re.compile(r"^\s*(public|private|protected)\s*:", re.MULTILINE)
_TYPE = re.compile(r"^\W*((typedef|static|inline|constexpr|const|export)\s+)*"
                   r"(class|struct|union|enum)\b")  # fmt: skip
_SIZED = re.compile(r"\b(alignas|sizeof|decltype|__attribute__)\s*\([^;]*?\)")
_LAMBDA = re.compile(r"(?<![\w\])])\s*\[[^\]]*\]\s*(\(|mutable|<|$)")
_MEMBER_INITIALIZER = re.compile(r"\)\s*(noexcept\s*)?:(?!:).*[\w>]$", re.DOTALL)
_NAME = re.compile(r"(\bTEST(?:_[FP])?\s*\([^)]*\)|[~\w:]+|operator\s*\S{1,3})(?=\s*\(|\s*$)")


@dataclass(frozen=True)
class Function:
    name: str
    line: int  # where its head begins
    length: int  # lines, head and closing brace included


def _drop_template_heads(head: str) -> str:
    """`head` without `template <...>`, whose `class` would read as a type's."""
    while match := _TEMPLATE.search(head):
        depth, at = 1, match.end()
        while at < len(head) and depth:
            depth += {"<": 1, ">": -1}.get(head[at], 0)
            at += 1
        head = head[: match.start()] + " " * (at - match.start()) + head[at:]
    return head


def _kind(head: str) -> str:
    """What the brace behind `head` opens: scope, function or initializer."""
    head = _LABEL.sub("", _drop_template_heads(head)).strip()
    if re.search(r"\bnamespace\b", head) or re.match(r'extern\s*"\s*"$', head):
        return "scope"
    if _TYPE.match(head) and not re.search(r"\)\s*(const|noexcept|override)?$", head):
        return "scope"
    if re.search(r"([=,(]|\breturn)$", head) or _MEMBER_INITIALIZER.search(head):
        return "initializer"
    if "(" not in _SIZED.sub("", head) and not _LAMBDA.search(head):
        return "initializer"
    return "function"


def _matching_brace(code: str, opening: int) -> int:
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, opening):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    return len(code)


def functions(source: SourceFile) -> Iterator[Function]:
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())  # noqa: E731
    code = _PREPROCESSOR.sub(blank, source.code)
    head_start = at = 0
    boundary = re.compile(r"[{};]")
    while match := boundary.search(code, at):
        at = match.end()
        head = code[head_start : match.start()]
        if match.group() == "{":
            kind = _kind(head)
            if kind != "scope":
                at = _matching_brace(code, match.start()) + 1
            if kind == "function":
                yield _function(code, head_start, head, at)
            if kind == "initializer":
                continue  # the head goes on: `Foo() : a_{1}, b_(2) {`
        head_start = at


def _function(code: str, head_start: int, head: str, end: int) -> Function:
    skipped = re.match(r"(\s|(public|private|protected)\s*:)*", head)
    start = head_start + (skipped.end() if skipped else 0)
    first_line = code.count("\n", 0, start) + 1
    name = _NAME.search(_drop_template_heads(head))
    length = code.count("\n", start, end) + 1
    return Function(name.group(1) if name else "a function", first_line, length)


def check(source: SourceFile) -> Iterator[Finding]:
    if not source.is_cpp:
        return
    for function in functions(source):
        message = f"{function.name} has {function.length} lines"
        if function.length > MAX_LINES:
            text = f"{message}; at most {MAX_LINES}"
            yield from source.finding(function.line, "function-size", text)
        elif function.length > AIM_LINES:
            yield from source.finding(
                function.line, "function-size", message, warning=True, verbose_only=True
            )
