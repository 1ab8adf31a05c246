#!/usr/bin/python3
"""Inside the virtual machine: runs Python suites one after the other over VSOCK.

    run_suites.py SUITE.py [ARGUMENT...] [-- SUITE.py [ARGUMENT...]]...

Prints a line for each suite, and the whole output of those that fail; the tables of parity and
interoperability always. Exit status 1 if any failed, or was skipped: here nothing is missing.
"""

import itertools
import os
import pathlib
import subprocess
import sys
import time

# Comes back to test-results/, where tools/test_summary.py reads it.
SECOND_TRIES = pathlib.Path(os.environ.get("VM_COLLECT", ".")) / "vm_suites-second-tries.txt"
SHOWS_A_TABLE = ("parity", "interop_test")


def run(command: list[str]) -> bool:
    """A suite that fails runs a second time: an emulated machine stands still now and then."""
    if run_once(command):
        return True
    with open(SECOND_TRIES, "a", encoding="utf-8") as file:
        file.write(f"vm_suites:{pathlib.Path(command[0]).stem}\n")
    return run_once(command, "  second try")


def run_once(command: list[str], note: str = "") -> bool:
    name = pathlib.Path(command[0]).stem
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-B", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False,
    )  # fmt: skip
    result = "ok" if done.returncode == 0 else f"FAILED ({done.returncode})"
    title = " ".join([name, *(word for word in command[1:] if not word.startswith(("-", "/")))])
    print(f"{title:60} {time.monotonic() - begin:6.1f} s  {result}{note}")
    if done.returncode != 0 or name.startswith(SHOWS_A_TABLE):
        print(done.stdout)
    sys.stdout.flush()
    return done.returncode == 0


def main() -> int:
    os.environ["SAKER_TEST_TRANSPORT"] = "vsock"
    groups = itertools.groupby(sys.argv[1:], lambda word: word == "--")
    results = [run(list(words)) for is_mark, words in groups if not is_mark]
    print(f"{sum(results)} of {len(results)} suites passed over VSOCK")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
