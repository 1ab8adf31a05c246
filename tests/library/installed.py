"""Saker installed into a directory of its own, as `cmake --install` does it."""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("SAKER_BUILD", ROOT / "build/release"))
CXX = os.environ.get("SAKER_CXX", "g++")


def run(*command: str | os.PathLike[str], timeout: float = 1000) -> str:
    """The command's output, both streams; an exception with it where the command fails."""
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(done.args)}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


class Installed:
    """A context: `prefix` has the development files until it ends."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="saker-library-")
        self.directory = pathlib.Path(self._directory.name)
        self.prefix = self.directory / "prefix"

    def __enter__(self) -> "Installed":
        run("cmake", "--install", BUILD, "--prefix", self.prefix, "--component", "development")
        return self

    def __exit__(self, *_: object) -> None:
        self._directory.cleanup()

    @property
    def include(self) -> pathlib.Path:
        return self.prefix / "include"


def configure_flags() -> list[str]:
    """So that a project outside is built with what this one is built with."""
    flags = [f"-DCMAKE_CXX_COMPILER={CXX}"]
    if launcher := os.environ.get("SAKER_LAUNCHER"):
        flags.append(f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}")
    if linker := os.environ.get("SAKER_LINKER_FLAGS"):
        flags.append(f"-DCMAKE_EXE_LINKER_FLAGS={linker}")
    return flags
