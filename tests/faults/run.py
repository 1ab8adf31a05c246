"""./dev faults [NAME...]: all fault tests, or those whose file, class or method contains a NAME."""

from __future__ import annotations

import argparse
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    sys.path.insert(0, str(HERE))
    sys.dont_write_bytecode = True
    import fault  # which finds the rest of the path

    found = unittest.defaultTestLoader.discover(str(HERE), "*_test.py")
    wanted = [
        test for test in fault.e2e.all_tests(found)
        if not options.names or any(name in test.id() for name in options.names)
    ]  # fmt: skip
    if not wanted:
        parser.error(f"no fault is called {' or '.join(options.names)}")
    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(wanted))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
