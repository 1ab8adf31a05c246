#!/usr/bin/env python3
"""Sums up a CTest run: names what was skipped, then prints 'N passed, N failed, N skipped'.

Usage: test_summary.py [--must-run FILE] [--partial] RESULTS_DIR

RESULTS_DIR holds ctest.junit and one XML file in GoogleTest's form per program that wrote one
(GTEST_OUTPUT; Python suites: tests/support/case_results.py), named after its CTest entry. Cases of
these are counted one by one, any other test as one, so that a case skipped inside a passing program
is seen. The line goes to summary.txt too.

--must-run FILE  exit 1 when a test listed there was skipped, or matches no test at all
--partial        a part of the tests was asked for: listed tests may be absent
"""

import argparse
import fnmatch
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    name: str  # CTest name, or NAME:Suite.Case
    outcome: str  # passed, failed, skipped
    why: str = ""


def first_line(text: str) -> str:
    """The line of a skip message that says why, without GoogleTest's file name."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wordy = [line for line in lines if not re.match(r"^\S+:\d+$", line)]
    return (wordy or ["no reason given"])[0]


def gtest_cases(path: pathlib.Path, program: str) -> list[Case]:
    """Cases of one XML file in GoogleTest's form; none when the program died while writing it."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError:
        return []
    cases = []
    for element in root.iter("testcase"):
        name = f"{program}:{element.get('classname')}.{element.get('name')}"
        skipped = element.find("skipped")
        if element.find("failure") is not None:
            cases.append(Case(name, "failed"))
        elif skipped is not None:
            reason = skipped.get("message") or skipped.text or ""
            cases.append(Case(name, "skipped", first_line(reason)))
        elif element.get("status") == "run":
            cases.append(Case(name, "passed"))
    return cases


def ctest_case(element: ElementTree.Element) -> Case:
    name = element.get("name") or ""
    status = element.get("status")
    if status == "run":
        return Case(name, "passed")
    if status == "fail":
        return Case(name, "failed")
    output = (element.findtext("system-out") or "").strip().splitlines()
    return Case(name, "skipped", output[-1] if output else "not run")


def collect(results: pathlib.Path) -> list[Case]:
    by_program: dict[str, list[Case]] = defaultdict(list)
    for path in sorted(results.glob("*.xml")):
        program = re.sub(r"_\d+$", "", path.stem)
        by_program[program] += gtest_cases(path, program)
    cases = [case for program in by_program.values() for case in program]
    for element in ElementTree.parse(results / "ctest.junit").getroot().iter("testcase"):
        case = ctest_case(element)
        own = by_program.get(case.name, [])
        if not own:
            cases.append(case)
        elif case.outcome == "failed" and not any(c.outcome == "failed" for c in own):
            cases.append(case)  # crashed, timed out or leaked after its cases
    return cases


def print_skipped(cases: list[Case]) -> None:
    reasons: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        if case.outcome == "skipped":
            reasons[case.why].append(case.name)
    if reasons:
        print("\nSkipped:")
    for why, names in sorted(reasons.items()):
        print(f"  {why} ({len(names)})")
        for name in sorted(names):
            print(f"    {name}")


def print_second_tries(results: pathlib.Path) -> None:
    """Tests that failed once and ran again (tests/vm/second_try, tests/vm/run_suites.py)."""
    names = [path.read_text().split() for path in sorted(results.glob("*second-tries.txt"))]
    if names:
        print("\nRan a second time: " + ", ".join(sum(names, [])))


def must_run_violations(patterns: list[str], cases: list[Case], partial: bool) -> list[str]:
    violations = []
    for pattern in patterns:
        matching = [
            case
            for case in cases
            if fnmatch.fnmatchcase(case.name, pattern) or case.name.split(":")[0] == pattern
        ]
        if not matching and not partial:
            violations.append(f"{pattern}: no such test ran")
        violations += [f"{case.name}: {case.why}" for case in matching if case.outcome == "skipped"]
    return violations


def read_patterns(path: pathlib.Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--must-run", type=pathlib.Path)
    parser.add_argument("--partial", action="store_true")
    parser.add_argument("results", type=pathlib.Path)
    options = parser.parse_args(arguments)
    if not (options.results / "ctest.junit").exists():
        print("test_summary: CTest left no results", file=sys.stderr)
        return 1
    cases = collect(options.results)
    print_skipped(cases)
    print_second_tries(options.results)
    violations = []
    if options.must_run:
        violations = must_run_violations(read_patterns(options.must_run), cases, options.partial)
    for violation in violations:
        print(f"MUST RUN, but did not: {violation}")
    kinds = ("passed", "failed", "skipped")
    count = {kind: sum(case.outcome == kind for case in cases) for kind in kinds}
    line = ", ".join(f"{count[kind]} {kind}" for kind in kinds)
    (options.results / "summary.txt").write_text(line + "\n")
    print(f"\n{line}", flush=True)
    return 1 if violations or count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
