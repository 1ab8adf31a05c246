"""The cases of a suite one by one for tools/test_summary.py, in GoogleTest's form, so that a case skipped inside a passing
suite is seen.

Written to NAME.xml in the directory of $GTEST_OUTPUT, for a suite that CTest runs as NAME ($SAKER_TEST_NAME); without
both, nothing is.
"""

from __future__ import annotations

import os
import pathlib
import unittest
import xml.etree.ElementTree as ElementTree


def path() -> pathlib.Path | None:
    kind, _, to = os.environ.get("GTEST_OUTPUT", "").partition(":")
    name = os.environ.get("SAKER_TEST_NAME")
    return pathlib.Path(os.path.dirname(to)) / f"{name}.xml" if kind == "xml" and name else None


class Result(unittest.TextTestResult):
    """Keeps (class, method, outcome, why) of each case; one with a failed part has failed, once."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.cases: dict[str, tuple[str, str]] = {}

    def _note(self, test: unittest.TestCase, outcome: str, why: str = "") -> None:
        if self.cases.get(test.id(), ("", ""))[0] != "failure":
            self.cases[test.id()] = (outcome, why)

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self._note(test, "passed")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self._note(getattr(test, "test_case", test), "skipped", reason)

    def addFailure(self, test: unittest.TestCase, err: tuple) -> None:
        super().addFailure(test, err)
        self._note(test, "failure")

    def addError(self, test: unittest.TestCase, err: tuple) -> None:
        super().addError(test, err)
        self._note(test, "failure")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: tuple | None) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, "failure")

    def write(self, to: pathlib.Path) -> None:
        suite = ElementTree.Element("testsuite")
        for name, (outcome, why) in self.cases.items():
            group, _, method = name.removeprefix("__main__.").rpartition(".")
            case = ElementTree.SubElement(suite, "testcase", classname=group, name=method, status="run")
            if outcome != "passed":
                ElementTree.SubElement(case, outcome, message=why)
        ElementTree.ElementTree(suite).write(to)


class Runner(unittest.TextTestRunner):
    resultclass = Result

    def run(self, test: unittest.TestSuite | unittest.TestCase) -> Result:
        result = super().run(test)
        if to := path():
            result.write(to)
        return result
