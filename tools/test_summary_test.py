#!/usr/bin/env python3
"""Tests of tools/test_summary.py: what is counted, what fails, what is named."""

import contextlib
import io
import os
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests/support")]

import case_results  # noqa: E402
import test_summary  # noqa: E402

CTEST = """<testsuite>
<testcase name="h2_test" status="run"/>
<testcase name="net_test" status="{net}"/>
<testcase name="end_to_end" status="run"/>
<testcase name="vm_harness" status="notrun">
<skipped message="SKIP_RETURN_CODE=126"/><system-out>one
run-in-vm: qemu not found</system-out></testcase>
</testsuite>"""
GTEST = """<testsuites><testsuite>
<testcase classname="Frame" name="Splits" status="run" result="completed"/>
<testcase classname="Frame" name="Off" status="notrun" result="suppressed"/>
<testcase classname="Vsock" name="Echo" status="run" result="skipped">
<skipped message="a.cc:12&#x0A;no AF_VSOCK here&#x0A;"/></testcase>
{more}</testsuite></testsuites>"""
FAILED = '<testcase classname="A" name="B" status="run" result="completed"><failure/></testcase>'


class Summary(unittest.TestCase):
    def run_it(self, net: str = "run", more: str = "", must_run: str | None = None,
               partial: bool = False) -> tuple[int, str]:  # fmt: skip
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "ctest.junit").write_text(CTEST.format(net=net))
            (root / "h2_test.xml").write_text(GTEST.format(more=""))
            (root / "net_test.xml").write_text(GTEST.format(more=more))
            arguments = [directory]
            if must_run is not None:
                (root / "must-run.txt").write_text(must_run)
                arguments += ["--must-run", str(root / "must-run.txt")]
            if partial:
                arguments.append("--partial")
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                status = test_summary.main(arguments)
            return status, output.getvalue()

    def last_line(self, **arguments: str) -> tuple[int, str]:
        status, output = self.run_it(**arguments)
        return status, output.splitlines()[-1]

    def test_cases_of_programs_are_counted_one_by_one(self) -> None:
        self.assertEqual(self.last_line(), (0, "3 passed, 0 failed, 3 skipped"))

    def test_a_failed_case_is_one_failure(self) -> None:
        got = self.last_line(net="fail", more=FAILED)
        self.assertEqual(got, (1, "3 passed, 1 failed, 3 skipped"))

    def test_a_program_that_dies_after_its_cases_is_a_failure(self) -> None:
        self.assertEqual(self.last_line(net="fail"), (1, "3 passed, 1 failed, 3 skipped"))

    def test_a_broken_file_of_a_crashed_program_counts_once(self) -> None:
        got = self.last_line(net="fail", more="<broken")
        self.assertEqual(got, (1, "2 passed, 1 failed, 2 skipped"))

    def test_skipped_tests_are_named_with_their_reason(self) -> None:
        _, output = self.run_it()
        self.assertIn("no AF_VSOCK here (2)\n    h2_test:Vsock.Echo\n", output)
        self.assertIn("run-in-vm: qemu not found (1)\n    vm_harness\n", output)

    def test_must_run(self) -> None:
        cases = [
            ("h2_test:Frame.*\n# a comment\n", False, 0),
            ("vm_harness\n", False, 1),
            ("h2_test\n", False, 1),
            ("*:Vsock.*\n", True, 1),
            ("no_such_test\n", False, 1),
            ("no_such_test\n", True, 0),
        ]
        for listed, partial, expected in cases:
            with self.subTest(listed=listed, partial=partial):
                self.assertEqual(self.run_it(must_run=listed, partial=partial)[0], expected)


class PythonSuites(unittest.TestCase):
    """What a suite leaves of its cases."""

    class Disk(unittest.TestCase):
        def test_full(self) -> None:
            self.skipTest("no small disk")

        def test_parts(self) -> None:
            for part in (1, 2, 3):
                with self.subTest(part):
                    self.assertEqual(part, 2)

        def test_right(self) -> None:
            pass

    def summary(self, *cases: str, status: str = "run", must_run: str = "") -> tuple[int, list[str]]:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "ctest.junit").write_text(
                f'<testsuite><testcase name="faults_disk" status="{status}"/></testsuite>'
            )
            variables = {"GTEST_OUTPUT": f"xml:{root}/", "SAKER_TEST_NAME": "faults_disk"}
            with unittest.mock.patch.dict(os.environ, variables):
                suite = unittest.TestSuite(self.Disk(case) for case in cases)
                case_results.Runner(stream=io.StringIO()).run(suite)
            (root / "must-run.txt").write_text(must_run)
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                code = test_summary.main(["--must-run", str(root / "must-run.txt"), directory])
            return code, output.getvalue().splitlines()

    def test_a_case_skipped_inside_a_passing_suite_is_named(self) -> None:
        code, lines = self.summary("test_full", "test_right")
        self.assertEqual((code, lines[-1]), (0, "1 passed, 0 failed, 1 skipped"))
        self.assertIn("  no small disk (1)", lines)
        self.assertIn("    faults_disk:PythonSuites.Disk.test_full",
                      lines)  # fmt: skip

    def test_it_fails_where_the_suite_must_run(self) -> None:
        code, lines = self.summary("test_full", "test_right", must_run="faults_disk\n")
        self.assertEqual(code, 1)
        self.assertTrue(any(line.startswith("MUST RUN, but did not: ") for line in lines), lines)
        self.assertEqual(self.summary("test_right", must_run="faults_disk\n")[0], 0)

    def test_a_case_with_failed_parts_is_one_failure(self) -> None:
        code, lines = self.summary("test_parts", "test_right", status="fail")
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"))


if __name__ == "__main__":
    unittest.main()
