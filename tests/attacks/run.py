"""./dev attack [--full] [--table FILE] [NAME...]: all attacks, or those whose file, class or method contains a NAME."""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def all_tests(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    found: list[unittest.TestCase] = []
    for item in suite:
        found += all_tests(item) if isinstance(item, unittest.TestSuite) else [item]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev attack", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the whole volume: an hour")
    parser.add_argument("--table", metavar="FILE", help="the table, as Markdown")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if options.full:
        os.environ["SAKER_ATTACKS_FULL"] = "1"
    sys.path.insert(0, str(HERE))
    sys.dont_write_bytecode = True
    import report

    tests = all_tests(unittest.defaultTestLoader.discover(str(HERE), "*_test.py"))
    wanted = [t for t in tests if not options.names or any(n in t.id() for n in options.names)]
    if not wanted:
        parser.error(f"no attack is called {' or '.join(options.names)}")
    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(wanted))
    report.print_all()
    if options.table:
        report.write_markdown(options.table)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
