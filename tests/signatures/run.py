#!/usr/bin/env python3
"""Signatures of Saker to other libraries, and theirs to Saker.

    tests/signatures/run.py [LIBRARY...] [--saker FILE] [--offline]

Every algorithm, key type and format in both directions, what is right and what was tampered with; every answer must be the
expected one. README.md says more. Exit code 126: none of the libraries can be had here."""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

import libraries  # noqa: E402
import saker_e2e as e2e  # noqa: E402

RSA = [f"RSA_{padding}_SHA{bits}" for padding in ("PKCS1_V15", "PSS") for bits in (256, 384, 512)]
MESSAGES = {"empty": b"", "short": b"abc", "long": bytes(range(256)) * 400}  # the last by SignStream
LIBRARY_S = 300.0


@dataclasses.dataclass(frozen=True)
class Kind:
    key_type: str
    algorithm: str
    form: str

    @property
    def name(self) -> str:
        return f"{self.key_type}.{self.algorithm}.{self.form}"


KINDS = [
    *(Kind(f"rsa-{bits}", algorithm, "der") for bits in (2048, 3072, 4096) for algorithm in RSA),
    *(Kind("ec-p256", "ECDSA_P256_SHA256", form) for form in ("der", "p1363")),
    *(Kind("ec-p384", "ECDSA_P384_SHA384", form) for form in ("der", "p1363")),
]
KEY_TYPES = sorted({kind.key_type for kind in KINDS})


@dataclasses.dataclass
class Question:
    kind: Kind
    message: pathlib.Path
    signature: pathlib.Path
    what: str  # "valid", or how it was tampered with

    @property
    def expected(self) -> str:
        return "valid" if self.what == "valid" else "invalid"


def saker(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = e2e.run(*arguments)
    assert done.returncode in (0, 1), f"saker {' '.join(arguments)}: {done.returncode} {done.stderr}"
    return done


def choice(kind: Kind) -> list[str]:
    return [
        "--key-type", kind.key_type, "--algorithm", kind.algorithm, "--signature-format", kind.form
    ]  # fmt: skip


def flipped(path: pathlib.Path) -> pathlib.Path:
    """The same signature but for one bit in its middle: a number changes, no length does."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 + 5] ^= 1
    other = path.with_name(path.name + ".flipped")
    other.write_bytes(data)
    return other


def questions_about(kind: Kind, message: pathlib.Path, other: pathlib.Path,
                    signature: pathlib.Path) -> list[Question]:  # fmt: skip
    return [
        Question(kind, message, signature, "valid"),
        Question(kind, other, signature, "another message"),
        Question(kind, message, flipped(signature), "a bit of the signature"),
    ]


class Run:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.messages = []
        for name, data in MESSAGES.items():
            path = folder / f"{name}.message"
            path.write_bytes(data)
            self.messages.append(path)

    def other(self, message: pathlib.Path) -> pathlib.Path:
        return self.messages[(self.messages.index(message) + 1) % len(self.messages)]

    # ---- ours to them

    def sign_with_saker(self) -> list[Question]:
        keys = [word for key_type in KEY_TYPES for word in ("--key", key_type)]
        questions = []
        with e2e.Server(*keys) as server:
            for key_type in KEY_TYPES:
                saker("keys", "get", server.address, "--key-type", key_type, "--format", "der",
                      "--out", str(self.key(key_type)))  # fmt: skip
            for kind in KINDS:
                for message in self.messages:
                    signature = self.folder / f"saker.{kind.name}.{message.stem}"
                    saker("sign", server.address, *choice(kind), "--in", str(message),
                          "--out", str(signature))  # fmt: skip
                    questions += questions_about(kind, message, self.other(message), signature)
        return questions

    def key(self, key_type: str) -> pathlib.Path:
        return self.folder / f"{key_type}.spki"

    def ask(self, library: libraries.Library, questions: list[Question]) -> int:
        """How many of its answers are right."""
        lines = [
            f"{q.kind.algorithm} {q.kind.form} {self.key(q.kind.key_type)} {q.message} {q.signature}\n"
            for q in questions
        ]
        done = subprocess.run([*library.command(), "verify"], input="".join(lines), text=True,
                              capture_output=True, timeout=LIBRARY_S, check=False)  # fmt: skip
        answers = done.stdout.split()
        assert done.returncode == 0 and len(answers) == len(questions), done.stderr
        right = 0
        for question, answer in zip(questions, answers):
            right += self.is_right(f"{library.name} verifies", question, answer)
        return right

    @staticmethod
    def is_right(who: str, question: Question, answer: str) -> bool:
        if answer == question.expected:
            return True
        print(f"WRONG: {who} {question.kind.name} of {question.message.stem} ({question.what}): {answer}")
        return False

    # ---- theirs to us

    def sign_with(self, library: libraries.Library) -> list[Question]:
        lines, questions = [], []
        for kind in KINDS:
            for message in self.messages[1:]:
                signature = self.folder / f"{library.name}.{kind.name}.{message.stem}"
                lines.append(f"{kind.algorithm} {kind.form} {kind.key_type} {message} {signature}\n")
                questions.append((kind, message, self.other(message), signature))
        done = subprocess.run([*library.command(), "sign", str(self.folder)], input="".join(lines),
                              text=True, capture_output=True, timeout=LIBRARY_S, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [question for each in questions for question in questions_about(*each)]

    def ask_saker(self, library: libraries.Library, questions: list[Question]) -> int:
        keys = self.folder / f"{library.name}.keys"
        passphrase = self.folder / "passphrase"
        passphrase.write_text("of the test\n", encoding="ascii")
        passphrase.chmod(0o600)
        for key_type in KEY_TYPES:
            private = self.folder / f"{key_type}.pk8"
            saker("keystore", "import", str(keys), key_type, "--in", str(private),
                  "--passphrase-file", str(passphrase))  # fmt: skip
            private.unlink()
        right = 0
        with e2e.Server("--key-dir", str(keys), "--key-passphrase-file", str(passphrase)) as server:
            for q in questions:
                done = saker("verify", server.address, *choice(q.kind), "--in", str(q.message),
                             "--signature", str(q.signature))  # fmt: skip
                answer = "valid" if done.returncode == 0 else "invalid"
                right += self.is_right(f"saker verifies {library.name}'s", q, answer)
        return right


def check_library(name: str, offline: bool) -> bool:
    """Whether every answer was right."""
    started = time.monotonic()
    library = libraries.ALL[name](offline)
    library.build()
    built_s = time.monotonic() - started
    with tempfile.TemporaryDirectory(prefix="saker-signatures-") as folder:
        run = Run(pathlib.Path(folder))
        ours = run.sign_with_saker()
        ours_right = run.ask(library, ours)
        theirs = run.sign_with(library)
        theirs_right = run.ask_saker(library, theirs)
    took_s = time.monotonic() - started - built_s
    print(f"{name}: {ours_right} of {len(ours)} answers about Saker's signatures right, "
          f"{theirs_right} of {len(theirs)} of Saker's about its; built in {built_s:.0f} s, ran {took_s:.0f} s")  # fmt: skip
    assert len(ours) == 22 * 3 * 3 and len(theirs) == 22 * 2 * 3, "the table of cases has changed"
    return ours_right == len(ours) and theirs_right == len(theirs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("library", nargs="*", metavar="LIBRARY", help=f"of {', '.join(libraries.ALL)} (all)")
    parser.add_argument("--saker", help="the program (build/release/saker)")
    parser.add_argument("--offline", action="store_true",
                        help="build with what is on this machine; not on CI (CI=true), where none may be missing")  # fmt: skip
    arguments = parser.parse_args()
    if arguments.saker:
        e2e.SAKER = arguments.saker
    offline = arguments.offline and os.environ.get("CI") != "true"
    names = arguments.library or list(libraries.ALL)
    if unknown := [name for name in names if name not in libraries.ALL]:
        parser.error(f"no library {', '.join(unknown)}")
    good, ran = True, 0
    for name in names:
        try:
            good &= check_library(name, offline)
            ran += 1
        except libraries.Skip as skip:
            print(f"{name}: skipped: {skip}")
    if ran == 0:
        return e2e.EXIT_SKIPPED
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
