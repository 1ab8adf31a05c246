#!/usr/bin/python3
"""Inside the virtual machine: runs Python suites over VSOCK, as many at a time as there are processors.

    run_suites.py SUITE.py [ARGUMENT...] [-- SUITE.py [ARGUMENT...]]...

Prints a line for each suite, and the whole output of those that fail; the tables of parity and
interoperability always. A suite that fails runs a second time, alone: an emulated machine stands still now
and then. Exit status 1 if any failed, or was skipped: here nothing is missing.
"""

import concurrent.futures
import itertools
import os
import pathlib
import subprocess
import sys
import time

# Comes back to test-results/, where tools/test_summary.py reads it.
SECOND_TRIES = pathlib.Path(os.environ.get("VM_COLLECT", ".")) / "vm_suites-second-tries.txt"
SHOWS_A_TABLE = ("parity", "interop_test")


def run_again(command: list[str]) -> bool:
    with open(SECOND_TRIES, "a", encoding="utf-8") as file:
        file.write(f"vm_suites:{pathlib.Path(command[0]).stem}\n")
    return run(command, "  second try")


def run(command: list[str], note: str = "") -> bool:
    name = pathlib.Path(command[0]).stem
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-B", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False,
    )  # fmt: skip
    result = "ok" if done.returncode == 0 else f"FAILED ({done.returncode})"
    title = " ".join([name, *(word for word in command[1:] if not word.startswith(("-", "/")))])
    text = f"{title:60} {time.monotonic() - begin:6.1f} s  {result}{note}\n"
    if done.returncode != 0 or name.startswith(SHOWS_A_TABLE):
        text += done.stdout
    print(text, end="", flush=True)  # in one piece: others print, too
    return done.returncode == 0


def main() -> int:
    os.environ["SAKER_TEST_TRANSPORT"] = "vsock"
    groups = itertools.groupby(sys.argv[1:], lambda word: word == "--")
    suites = [list(words) for is_mark, words in groups if not is_mark]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = [suite for suite, ok in zip(suites, pool.map(run, suites)) if not ok]
    failed = [suite for suite in failed if not run_again(suite)]
    print(f"{len(suites) - len(failed)} of {len(suites)} suites passed over VSOCK")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
