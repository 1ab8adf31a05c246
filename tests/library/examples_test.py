"""The examples, built on an installed Saker and run against each other; and a project that adds
Saker's sources as a subdirectory."""

import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from installed import BUILD, ROOT, Installed, configure_flags, run

EXAMPLES = ROOT / "examples"

SUBDIRECTORY = """
cmake_minimum_required(VERSION 3.25)
project(consumer CXX)
add_subdirectory({saker} saker)
add_subdirectory({saker}/examples examples)
"""


class Server:
    """A server that says `listening on ADDRESS`; as a context it must end with 0 on SIGTERM."""

    def __init__(self, *command: str | os.PathLike[str]) -> None:
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.kill()
            raise AssertionError(f"{command[0]} said {line!r}")
        self.address = line.removeprefix("listening on ").strip()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, error: object, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        if error is None and code != 0:
            raise AssertionError(f"the server ended with {code}")


class Examples(unittest.TestCase):
    build: pathlib.Path

    @classmethod
    def setUpClass(cls) -> None:
        installed = cls.enterClassContext(Installed())
        cls.build = installed.directory / "build"
        run("cmake", "-G", "Ninja", "-S", EXAMPLES, "-B", cls.build,
            f"-DCMAKE_PREFIX_PATH={installed.prefix}", *configure_flags())  # fmt: skip
        run("cmake", "--build", cls.build)

    def run_example(self, name: str, *arguments: str) -> list[str]:
        return run(self.build / name, *arguments, timeout=60).splitlines()

    def test_helloworld(self) -> None:
        with Server(self.build / "helloworld_server", "127.0.0.1:0") as server:
            lines = self.run_example("helloworld_client", server.address, "Ada")
        self.assertTrue(lines[0].startswith("Hello Ada, in en, with 2 bytes behind, from "), lines)
        self.assertEqual(lines[1], "Hello Ada")
        threads = [f"Hello thread {at}" for at in range(4)]
        self.assertEqual(sorted(lines[2:6]), threads)
        self.assertEqual(lines[6], "refused: whom shall I greet? (field: name)")

    def test_route_guide_in_every_style(self) -> None:
        places = [
            "Patriots Path, Mendham, NJ 07945, USA",
            "101 New Jersey 10, Whippany, NJ 07981, USA",
            "U.S. 6, Shohola, PA 18458, USA",
        ]
        wanted = [f"feature: {places[0]}", *(f"listed: {place}" for place in places)]
        wanted += ["route: 3 points, 2 features", *(f"earlier: {n}" for n in ("first", "first"))]
        wanted += ["earlier: second"]
        for style in ("blocking", "callback", "coroutine"):
            with self.subTest(style), Server(self.build / "route_guide_server", "127.0.0.1:0") as s:
                lines = self.run_example(f"route_guide_{style}_client", s.address)
                if style == "coroutine":
                    self.assertEqual(lines.pop(), "cancelled: CANCELLED")
                if style == "callback":  # four calls at once
                    self.assertEqual(sorted(lines), sorted(wanted))
                else:
                    self.assertEqual(lines, wanted)

    def test_raw_message(self) -> None:
        self.assertEqual(self.run_example("raw_message"), ["OK: desserts"])

    def test_signing(self) -> None:
        serve = [BUILD / "saker", "serve", "--key", "ec-p256", "--listen", "127.0.0.1:0"]
        with Server(*serve) as server:
            lines = self.run_example("signing_client", server.address, "a text")
        self.assertRegex(lines[0], r"^signature of 7\d bytes by ")
        self.assertEqual(lines[1], "valid")

    def test_errors_are_told(self) -> None:
        done = subprocess.run(
            [self.build / "helloworld_client", "nonsense"], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 2)
        self.assertIn("the port is missing", done.stderr)


class Subdirectory(unittest.TestCase):
    def test_configures(self) -> None:
        with tempfile.TemporaryDirectory(prefix="saker-library-") as directory:
            source = pathlib.Path(directory) / "consumer"
            source.mkdir()
            (source / "CMakeLists.txt").write_text(SUBDIRECTORY.format(saker=ROOT))
            build = pathlib.Path(directory) / "build"
            run("cmake", "-G", "Ninja", "-S", source, "-B", build, *configure_flags())
            targets = run("cmake", "--build", build, "--target", "help")
            self.assertIn("helloworld_client", targets)
            self.assertIn("saker_rpc", targets)
            self.assertNotIn("rpc_streaming_test", targets, "tests are not a consumer's")


if __name__ == "__main__":
    unittest.main()
