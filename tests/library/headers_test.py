"""What is installed where, and that every installed header stands alone."""

import concurrent.futures
import os
import pathlib
import unittest

from installed import CXX, ROOT, Installed, run

# Test support, which is not installed.
_TESTS_ONLY = ("_testing.h", "transport_fixture.h", "transport_harness.h")

# The load generator's own, and what tests ask of servers.
_NOT_INSTALLED = {"bench", "benchmark", "interop"}

# They include p11-kit's header and toml++'s, which the library's users need not have.
_OF_OTHER_LIBRARIES = ("pkcs11_", "toml.h")


class Headers(unittest.TestCase):
    installed: Installed

    @classmethod
    def setUpClass(cls) -> None:
        cls.installed = cls.enterClassContext(Installed())

    def headers(self) -> list[pathlib.Path]:
        return sorted((self.installed.include / "saker").rglob("*.h"))

    def test_nothing_is_installed_bare(self) -> None:
        self.assertEqual(os.listdir(self.installed.include), ["saker"])

    def test_every_header_of_the_library_is_there(self) -> None:
        root = self.installed.include / "saker"
        found = {str(path.relative_to(root)) for path in self.headers()}
        wanted = {
            str(path.relative_to(ROOT / "src"))
            for path in (ROOT / "src").rglob("*.h")
            if not path.name.endswith(_TESTS_ONLY)
            and not path.name.startswith(_OF_OTHER_LIBRARIES)
            and path.parent.name not in _NOT_INSTALLED
        }
        self.assertEqual({name for name in found if not name.startswith("protos/")}, wanted)

    def test_protos_and_tools_are_there(self) -> None:
        prefix = self.installed.prefix
        for name in ("saker/echo/v1/echo", "grpc/health/v1/health", "saker/crypto/v1/crypto"):
            self.assertTrue((prefix / f"share/saker/proto/{name}.proto").exists(), name)
            for suffix in ("pb.h", "saker.h"):
                header = self.installed.include / f"saker/protos/{name}.{suffix}"
                self.assertTrue(header.exists(), header)
        self.assertTrue(os.access(prefix / "bin/protoc-gen-saker", os.X_OK))

    def test_every_header_stands_alone(self) -> None:
        include = self.installed.include

        def compile_alone(header: pathlib.Path) -> None:
            run(CXX, "-std=c++23", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++",
                "-DSAKER_VERSION=\"0\"", f"-I{include}", "-isystem", include / "saker/protos",
                "-include", header, "/dev/null")  # fmt: skip

        own = [path for path in self.headers() if "protos" not in path.parts]
        self.assertGreater(len(own), 90)
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            for done in [pool.submit(compile_alone, header) for header in own]:
                done.result()


if __name__ == "__main__":
    unittest.main()
