#!/usr/bin/env python3
"""Tests of tools/lint: each rule finds its mistake, and only that."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from saker_lint import documents, failures, functions, layers, programs, text, words  # noqa: E402
from saker_lint.source import SourceFile, blank_cpp  # noqa: E402

HEADERS = ["src/h2/frame.h"]


def rules(path: str, content: str) -> list[str]:
    """The rules that `content` breaks at `path`, whitespace and opening comment taken care of."""
    source = SourceFile.from_text(path, content if content.startswith("//") else "// x\n" + content)
    checks = (
        words.check(source),
        failures.check(source),
        functions.check(source),
        layers.check(source, HEADERS),
    )
    return [f.rule for check in checks for f in check if not f.warning]


def text_rules(path: str, content: str) -> list[str]:
    return [finding.rule for finding in text.check(SourceFile.from_text(path, content), HEADERS)]


class Blanking(unittest.TestCase):
    def test_literals_and_comments_vanish_and_lines_stay(self) -> None:
        cases = [
            ("a // abort()\nb", "a           \nb"),
            ("a /* {\n{ */ b", "a     \n     b"),
            (r'f("a\"b{") {', r'f("     ") {'),
            ("c = '{';", "c = ' ';"),
            ("n = 1'000'000; {", "n = 1'000'000; {"),
            ('R"x({ " )" )x" }', "R" + " " * 12 + '" }'),
            ('"// no comment" {', '"             " {'),
        ]
        for code, expected in cases:
            with self.subTest(code=code):
                self.assertEqual(blank_cpp(code), expected)

    def test_strings_can_stay(self) -> None:
        code = '#include "a.h"  // why'
        self.assertEqual(blank_cpp(code, keep_strings=True).rstrip(), '#include "a.h"')


class Words(unittest.TestCase):
    def test_forbidden(self) -> None:
        cases = [
            ("src/h2/a.cc", "assert(x);", "assert"),
            ("src/h2/a.cc", "#include <cassert>", "assert"),
            ("src/rpc/a.cc", "std::abort();", "abort"),
            ("src/rpc/a.cc", "if (x) abort();", "abort"),
            ("src/rpc/a_test.cc", "std::abort();", "abort"),
            ("src/rpc/a.cc", "_exit(0);", "abort"),
            ("apps/saker/a.cc", "std::exit(1);", "abort"),
            ("src/rpc/a.cc", "raise(SIGABRT);", "abort"),
            ("src/rpc/a.cc", "if (x) __builtin_trap();", "abort"),
            ("src/rpc/a.cc", "std::unreachable();", "abort"),
            ("src/rpc/a.cc", "std::terminate();", "abort"),
            ("src/rpc/a.cc", "auto v = parse(x).value();", "value"),
            ("src/rpc/a.cc", "throw x;", "throw"),
            ("src/net/a.h", "std::shared_ptr<int> p;", "shared-ptr"),
            ("src/rpc/a.cc", "return {StatusCode::kNotFound, m, {}};", "application-status"),
            ("src/h2/a_test.cc", "TEST(A, DISABLED_b) {}", "disabled-test"),
            ("src/h2/a_test.cc", "GTEST_SKIP();", "skip-reason"),
            ("src/h2/a.cc", "// TO" "DO later", "unfinished"),
            ("docs/a.md", "done in this" " session", "history"),
        ]
        for path, code, rule in cases:
            with self.subTest(code=code):
                self.assertEqual(rules(path, code + "\n"), [rule])

    def test_allowed(self) -> None:
        cases = [
            ("src/h2/a.cc", "static_assert(sizeof(int) == 4);"),
            ("src/base/check.cc", "std::abort();"),
            ("src/h2/a.cc", "stream.abort(); stream->abort(); void abort();"),
            ("src/rpc/a.cc", "app.exit(x); raise_limit(); on_exit(); k.raise();"),
            ("src/net/transport_harness.h", "std::exit(1);"),
            ("src/h2/a.cc", '// never assert(x)\nlog("abort()");'),
            ("src/h2/a_test.cc", "x.value(); GTEST_SKIP() << why; _exit(0);"),
            ("src/rpc/a.cc", "std::shared_ptr<int> p;"),
            ("src/rpc/a_test.cc", "StatusCode::kAborted"),
            ("src/services/x/a.cc", "StatusCode::kNotFound"),
            ("src/h2/a.cc", "int xxx = 0;  // /tmp/nameXXXXXX"),
            ("src/h2/a.cc", "// lint-allow: assert third party macro\nassert(x);"),
        ]
        for path, code in cases:
            with self.subTest(code=code):
                self.assertEqual(rules(path, code + "\n"), [])

    def test_an_excuse_needs_a_reason_and_the_right_rule(self) -> None:
        self.assertEqual(rules("src/h2/a.cc", "assert(x);  // lint-allow: assert\n"), ["assert"])
        self.assertEqual(rules("src/h2/a.cc", "assert(x);  // lint-allow: abort why\n"), ["assert"])


class Failures(unittest.TestCase):
    def test_forbidden(self) -> None:
        cases = [
            ("src/rpc/channel.cc", "try { f(); } catch (...) {}", "catch"),
            ("apps/saker/a.cc", "try { f(); } catch (const X& x) {}", "catch"),
            ("src/rpc/a.cc", "x = all.at(0);", "throws"),
            ("src/rpc/a.cc", "x = all->at(0);", "throws"),
            ("src/rpc/a.cc", "return std::get<Report>(document);", "throws"),
            ("src/rpc/a.cc", "x = std::stoi(text);", "throws"),
            ("src/rpc/a.cc", "x = stoull(text);", "throws"),
            ("src/rpc/a.cc", "if (std::filesystem::exists(path)) {}", "throws"),
            ("src/rpc/a.cc", "std::error_code e;\nstd::filesystem::rename(f(e), g());\n"
             "std::filesystem::remove(x);", "throws"),
            ("src/rpc/a.cc", "for (auto& x : std::filesystem::directory_iterator(p, e)) {}", "throws"),
            ("src/rpc/a.cc", "f();\n::unlink(path.c_str());", "unchecked"),
            ("src/rpc/a.cc", "if (x) ::unlink(path.c_str());", "unchecked"),
            ("src/rpc/a.cc", "if (x)\n  f();\nelse\n  setrlimit(a, &b);", "unchecked"),
            ("src/rpc/a.cc", "{ pthread_sigmask(SIG_BLOCK, &set, nullptr); }", "unchecked"),
            ("src/rpc/a.cc", "f();\n(void)::fchmod(file, 0600);", "unchecked"),
            ("src/rpc/a.cc", "f();\n(void)!::write(1, g(x), 1);", "unchecked"),
            ("src/rpc/a.cc", "f();\nmlock(at, size);", "unchecked"),
            ("src/rpc/a.cc", "f();\nstd::rename(a, b);", "unchecked"),
        ]  # fmt: skip
        for path, code, rule in cases:
            with self.subTest(code=code):
                self.assertEqual(rules(path, code + "\n"), [rule])

    def test_allowed(self) -> None:
        cases = [
            ("src/rpc/unary_call.h", "try { f(); } catch (...) {}"),
            ("src/rpc/a_test.cc", "try { f(all.at(0)); } catch (...) {}\n::unlink(x);"),
            ("src/rpc/a.cc", "at(0); x.atlas(); // all.at(0)"),
            ("src/hpack/decoder.cc", "const auto& entry = table.at(age);"),
            ("src/rpc/a.cc", "std::get_if<Report>(&document); x.stoi(y); restore(); stop(x);"),
            ("src/rpc/a.cc", "std::filesystem::path(p).parent_path();"),
            ("src/rpc/a.cc", "std::error_code e;\nstd::filesystem::exists(f(x), e);"),
            ("src/rpc/a.cc", "if (::unlink(x) != 0) {}\nconst int r = ::unlink(x);"),
            ("src/rpc/a.cc", "Handle file{::open(x)};\nHandle file(::open(x));"),
            ("src/rpc/a.cc", "return ok &&\n    ::unlink(x) == 0;"),
            ("src/rpc/a.cc", "f();\n(void)::unlink(x);  // it may have gone"),
            ("src/rpc/a.cc", "f();\n// It may have gone.\n(void)::unlink(x);"),
            ("src/rpc/a.cc", "f();\n::close(file);\nA::unlink(x);\nstream.unlink();\nunlink();"),
        ]
        for path, code in cases:
            with self.subTest(code=code):
                self.assertEqual(rules(path, code + "\n"), [])

    def test_what_it_excuses_is_there(self) -> None:
        root = pathlib.Path(__file__).resolve().parent.parent
        for path, name in [*((path, "catch (") for path in failures.CATCHES),
                           *((path, ".at(") for path in failures.OWN_AT)]:  # fmt: skip
            with self.subTest(path=path):
                code = SourceFile(root, path).code.replace("& at(", ".at(")
                self.assertIn(name, code)


class Layers(unittest.TestCase):
    def test_forbidden(self) -> None:
        cases = [
            ("src/h2/a.cc", '#include "saker/grpc/status.h"'),
            ("src/hpack/a.cc", '#include "saker/h2/frame.h"'),
            ("src/net/a.cc", '#include "saker/rpc/channel.h"'),
            ("src/services/echo/a.cc", '#include "saker/net/loop.h"'),
            ("src/services/echo/a.cc", '#include "saker/services/crypto/key.h"'),
            ("src/h2/a_test.cc", '#include "saker/net/loop.h"'),
            ("src/h2/a.cc", '#include "saker/echo/v1/echo.pb.h"'),
            ("src/h2/a.cc", '#include "frame_header.h"'),
            ("src/h2/a.cc", "#include <sys/socket.h>"),
            ("src/grpc/a.cc", "#include <google/protobuf/message.h>"),
            ("src/net/a.cc", "#include <mutex>"),
            ("src/nowhere/a.cc", "int x;"),
        ]
        for path, code in cases:
            with self.subTest(path=path, code=code):
                self.assertEqual(rules(path, code + "\n"), ["layers"])

    def test_allowed(self) -> None:
        cases = [
            ("src/h2/a.cc", '#include "saker/hpack/field.h"\n#include "saker/base/bytes.h"'),
            ("src/net/a.cc", '#include "saker/tls/engine.h"\n#include <sys/socket.h>'),
            ("src/rpc/a.cc", '#include "saker/hpack/field.h"\n#include <mutex>'),
            ("src/services/echo/a.cc", '#include "saker/echo/v1/echo.saker.h"'),
            ("src/services/echo/a.cc", '#include "saker/services/echo/b.h"'),
            ("src/h2/a_test.cc", "#include <thread>\n#include <nghttp2/nghttp2.h>"),
            ("src/h2/a.cc", '// #include "saker/net/loop.h"'),
            ("apps/saker/a.cc", '#include "saker/net/loop.h"\n#include "saker/bench/report.h"'),
            ("tests/integration/a.cc", '#include "helper.h"\n#include <thread>'),
        ]
        for path, code in cases:
            with self.subTest(path=path, code=code):
                self.assertEqual(rules(path, code + "\n"), [])

    def test_pure_code(self) -> None:
        for code in ("Clock::now();", "clock_gettime(CLOCK_MONOTONIC, &t);", "if (errno) {}"):
            with self.subTest(code=code):
                self.assertEqual(rules("src/h2/a.cc", code + "\n"), ["pure"])
                self.assertEqual(rules("src/net/a.cc", code + "\n"), [])
        self.assertEqual(rules("src/h2/a.cc", "// no errno, no Clock::now()\n"), [])

    def test_own_header_first(self) -> None:
        other = '#include <vector>\n#include "saker/h2/frame.h"\n'
        self.assertEqual(rules("src/h2/frame.cc", other), ["own-header-first"])
        self.assertEqual(rules("src/h2/frame.cc", '#include "saker/h2/frame.h"\n'), [])
        self.assertEqual(rules("src/h2/other.cc", other), [])


def function_names(code: str) -> list[tuple[str, int]]:
    source = SourceFile.from_text("src/h2/a.cc", code)
    return [(function.name, function.length) for function in functions.functions(source)]


class Functions(unittest.TestCase):
    def test_finds_them(self) -> None:
        cases = [
            ("void f() {\n  if (x) {\n  }\n}\n", [("f", 4)]),
            ("namespace a {\nint f(int x) { return x; }\n}  // namespace a\n", [("f", 1)]),
            ("class A : public B<int> {\n public:\n  int f() const {\n  }\n};\n", [("f", 2)]),
            ("template <class T>\nvoid f(T t)\n{\n}\n", [("f", 4)]),
            ("A::A() : a_{1}, b_(2) {\n}\n", [("A::A", 2)]),
            ("constexpr int kA[3] = {\n  1,\n  2};\n", []),
            ("constexpr int kA[3]{\n  1,\n  2};\n", []),
            ("struct A {\n  int a = 0;\n  int b{2};\n};\n", []),
            ("auto f() -> std::vector<int> {\n}\n", [("f", 2)]),
            ("const auto f = [](int x) {\n};\n", [("a function", 2)]),
            ("#define A(x) \\\n  { x\nvoid f() {}\n", [("f", 1)]),
            ('void f() {\n  g("}");\n  // }\n}\nvoid h() {}\n', [("f", 4), ("h", 1)]),
            ("TEST(Frame, Splits) {\n}\n", [("TEST(Frame, Splits)", 2)]),
            ('extern "C" {\nvoid f() {}\n}\n', [("f", 1)]),
        ]
        for code, expected in cases:
            with self.subTest(code=code):
                found = function_names(code)
                self.assertEqual([length for _, length in found], [n for _, n in expected])
                if expected and expected[0][0] != "a function":
                    self.assertEqual(found[0][0], expected[0][0])

    def test_limit(self) -> None:
        at_limit = "void f() {\n" + "  g();\n" * (functions.MAX_LINES - 2) + "}\n"
        self.assertEqual(rules("src/h2/a.cc", at_limit), [])
        self.assertEqual(rules("src/h2/a.cc", at_limit.replace("{", "{\n", 1)), ["function-size"])


class Text(unittest.TestCase):
    def test_rules(self) -> None:
        cases = [
            ("a.cc", "// x\n\tint a;\n", ["whitespace"]),
            ("a.md", "x \n", ["whitespace"]),
            ("a.md", "x", ["whitespace"]),
            ("a.md", "x\n\n", ["whitespace"]),
            ("src/h2/a.h", "// x\nint a;\n", ["pragma-once"]),
            ("src/h2/a.cc", "int a;\n", ["opening-comment"]),
            ("src/h2/frame.cc", "int a;\n", []),
            ("src/h2/frame_test.cc", "int a;\n", []),
            ("src/h2/a.h", "// x\n#pragma once\n", []),
            ("a.cc", "// x\n" + "int a;\n" * text.SPLIT_LINES, ["file-size"]),
            ("a.cc", "// x\n" + "int a;\n" * (text.SPLIT_LINES - 1), []),
        ]
        for path, content, expected in cases:
            with self.subTest(path=path, content=content[:20]):
                self.assertEqual(text_rules(path, content), expected)

    def test_what_is_test_and_what_is_product(self) -> None:
        for path, expected in [
            ("src/h2/frame_test.cc", True),
            ("src/services/crypto/self_test.cc", False),
            ("src/h2/frame.cc", False),
            ("apps/saker/main.cc", False),
            ("tests/support/pair.cc", True),
        ]:
            with self.subTest(path=path):
                self.assertEqual(SourceFile.from_text(path, "").is_test, expected)


class Documents(unittest.TestCase):
    HELP = (
        "Server\nUsage: saker serve [OPTIONS]\n\nOptions:\n  -h,--help     Print this\n"
        "  --listen ADDR ...   see --threads\n  -t,--threads UINT\n\n"
        "Subcommands:\n  echo     one call\n  sign     one signature\n"
    )

    def test_flags_and_subcommands(self) -> None:
        self.assertEqual(documents.flags_of(self.HELP), {"--listen", "--threads"})
        self.assertEqual(documents.subcommands_of(self.HELP), ["echo", "sign"])

    def test_limits(self) -> None:
        header = (
            "struct DecoderOptions {\n  uint32_t max_fields = 128;  // limit: fields in a block\n"
            "  size_t table{4096};  // limit: bytes\n  bool fast = true;  // no\n};\n"
            "struct Other {\n  int x = 1;  // limit: not an option\n};\n"
        )
        source = SourceFile.from_text("src/hpack/decoder.h", header)
        self.assertEqual(list(documents.limits(source)), [(2, "max_fields"), (3, "table")])
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            self.assertEqual(list(documents.check_limits(root, [source])), [])
            (root / "docs").mkdir()
            (root / "docs/limits.md").write_text("| `max_fields` | 128 |\n")
            found = list(documents.check_limits(root, [source]))
            self.assertEqual([(f.line, f.rule) for f in found], [(3, "limits")])

    def test_flags_against_pages_and_tests(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for folder in ("build/release", "docs", "tests"):
                (root / folder).mkdir(parents=True)
            program = root / "build/release/saker"
            program.write_text("#!/bin/sh\necho 'Options:'\necho '  --listen ADDR'\n")
            program.chmod(0o755)
            (root / "docs/cli.md").write_text("`--listen`\n")
            (root / "tests/a.sh").write_text("#!/bin/sh\n")
            sources = [SourceFile(root, "tests/a.sh")]
            found = list(documents.check_flags(root, sources))
            self.assertEqual([f.path for f in found], ["tests"])
            (root / "tests/a.sh").write_text("#!/bin/sh\nsaker --listen x\n")
            self.assertEqual(list(documents.check_flags(root, sources)), [])


class Programs(unittest.TestCase):
    def test_shell_and_python(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "a.sh").write_text("#!/bin/bash\nif true; then\n")
            broken = list(programs.check_shell(root, [SourceFile(root, "a.sh")]))
            self.assertIn("shell", [finding.rule for finding in broken])
        python = SourceFile.from_text("a.py", "def f(:\n")
        self.assertEqual([f.rule for f in programs.check_python([python])], ["python"])


if __name__ == "__main__":
    unittest.main()
