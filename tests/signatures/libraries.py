"""The libraries that check Saker's signatures and make some of their own: how each program is built and started. None of them
shares code with Saker, nor with each other."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parent
BUILD = FOLDER.parent.parent / "build/signatures"

Command = list[str]


class Skip(Exception):
    """Why this library cannot be had here."""


class Library:
    name = ""
    programs: tuple[str, ...] = ()  # that must be on this machine

    def __init__(self, offline: bool) -> None:
        self.source = FOLDER / self.name
        self.build_folder = BUILD / self.name
        self.offline = offline
        for program in self.programs:
            if shutil.which(program) is None:
                raise Skip(f"no {program}")

    def build(self) -> None:
        """Quick when there is nothing to do. CalledProcessError: it failed."""
        raise NotImplementedError

    def command(self) -> Command:
        raise NotImplementedError

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command, cwd=self.source, check=True, env=os.environ | environment, stdin=subprocess.DEVNULL
        )


class Go(Library):
    name = "go"
    programs = ("go",)

    def build(self) -> None:
        self.build_folder.mkdir(parents=True, exist_ok=True)
        self.run("go", "build", "-o", f"{self.build_folder}/", ".", GOFLAGS="-mod=readonly", GOTOOLCHAIN="local")

    def command(self) -> Command:
        return [str(self.build_folder / "signatures")]


class Java(Library):
    name = "java"
    programs = ("java", "javac")

    def build(self) -> None:
        self.run("javac", "-d", str(self.build_folder), "Signatures.java")

    def command(self) -> Command:
        return ["java", "-cp", str(self.build_folder), "Signatures"]


class Rust(Library):
    name = "rust"
    programs = ("cargo",)

    def build(self) -> None:
        if self.offline and not self.is_fetched():
            raise Skip("the crates of RustCrypto are not on this machine: ./dev signatures rust fetches them")
        self.run(
            "cargo", "build", "--locked", "--quiet", *self.reach(), CARGO_TARGET_DIR=str(self.build_folder)
        )

    def reach(self) -> Command:
        return ["--offline"] if self.offline else []

    def is_fetched(self) -> bool:
        done = subprocess.run(
            ["cargo", "tree", "--locked", "--offline"], cwd=self.source, capture_output=True, check=False
        )
        return done.returncode == 0

    def command(self) -> Command:
        return [str(self.build_folder / "debug/signatures")]


ALL: dict[str, type[Library]] = {library.name: library for library in (Go, Java, Rust)}
