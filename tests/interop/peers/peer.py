"""The implementations of gRPC in the matrix: how each is built and started. A peer is a class here, a folder beside this
file, and rows in limits.py.

A client program prints a line for each case, "ok  NAME" or "FAIL  NAME  why"; grpc-go's, which ends its process when
something is wrong, runs one case at a time."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import certificates

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent.parent
PROTOS = ROOT / "proto"
BUILD = ROOT / "build/interop"
TESTING_PROTOS = [f"grpc/testing/{name}.proto" for name in ("empty", "messages", "test")]

Command = list[str]


class Peer:
    name = ""
    programs: tuple[str, ...] = ()  # that must be on this machine
    transports = ("tcp", "unix")
    one_case_a_run = False

    def __init__(self) -> None:
        self.source = FOLDER / self.name
        self.build_folder = BUILD / self.name
        self.tls = BUILD / "tls"

    def missing(self) -> list[str]:
        return [program for program in self.programs if shutil.which(program) is None]

    def build(self) -> None:
        """Quick when there is nothing to do. CalledProcessError: it failed."""
        raise NotImplementedError

    def version(self) -> str:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def server(self, address: str, tls: bool) -> Command:
        return [*self.server_program(), *self.flags("listen", address), *self.server_tls(tls)]

    def client(self, address: str, tls: bool, cases: list[str]) -> Command:
        return [*self.client_program(), *self.flags("target", address), *self.client_tls(tls), *cases]

    def server_program(self) -> Command:
        raise NotImplementedError

    def client_program(self) -> Command:
        raise NotImplementedError

    @staticmethod
    def flags(*words: str) -> Command:
        """Names and values in turn."""
        return [f"--{word}" if at % 2 == 0 else word for at, word in enumerate(words)]

    def server_tls(self, tls: bool) -> Command:
        if not tls:
            return []
        return self.flags("cert", str(self.tls / "server1.pem"), "key", str(self.tls / "server1.key"))

    def client_tls(self, tls: bool) -> Command:
        if not tls:
            return []
        return self.flags("ca", str(self.tls / "ca.pem"), "server-name", certificates.SERVER_NAME)

    def run(self, command: Command, **environment: str) -> None:
        subprocess.run(command, cwd=self.source, check=True, env=os.environ | environment, stdin=subprocess.DEVNULL)

    def once(self, *inputs: pathlib.Path) -> bool:
        """True when these files are not those of the last finished build; done() says that this one has finished."""
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()
        self._stamp = (self.build_folder / "stamp", digest)
        stamp = self._stamp[0]
        return not stamp.exists() or stamp.read_text(encoding="ascii") != digest

    def done(self) -> None:
        path, digest = self._stamp
        path.write_text(digest, encoding="ascii")


class Go(Peer):
    name = "go"
    programs = ("go",)
    one_case_a_run = True

    def build(self) -> None:
        self.build_folder.mkdir(parents=True, exist_ok=True)
        self.run(["go", "build", "-o", f"{self.build_folder}/", "./client", "./server"])

    def version(self) -> str:
        text = (self.source / "go.mod").read_text(encoding="utf-8")
        return "grpc-go " + re.search(r"google.golang.org/grpc v(\S+)", text).group(1)

    def server_program(self) -> Command:
        return [str(self.build_folder / "server")]

    def client(self, address: str, tls: bool, cases: list[str]) -> Command:
        (case,) = cases
        command = [str(self.build_folder / "client"), *self.flags("target", address, "case", case)]
        return command + self.client_tls(tls)


class Rust(Peer):
    name = "rust"
    programs = ("cargo", "protoc")

    def build(self) -> None:
        self.run(["cargo", "build", "--locked", "--quiet"], CARGO_TARGET_DIR=str(self.build_folder))

    def version(self) -> str:
        text = (self.source / "Cargo.toml").read_text(encoding="utf-8")
        return "tonic " + re.search(r'tonic = \{ version = "=([^"]+)"', text).group(1)

    def server_program(self) -> Command:
        return [str(self.build_folder / "debug/interop-server")]

    def client_program(self) -> Command:
        return [str(self.build_folder / "debug/interop-client")]


class Python(Peer):
    name = "python"

    def build(self) -> None:
        if not self.once(self.source / "requirements.txt", *(PROTOS / proto for proto in TESTING_PROTOS)):
            return
        self.run([sys.executable, "-m", "venv", str(self.build_folder)])
        self.run([*self.python(), "-m", "pip", "install", "--quiet", "-r", "requirements.txt"])
        generated = self.build_folder / "generated"
        generated.mkdir(exist_ok=True)
        self.run([*self.python(), "-m", "grpc_tools.protoc", f"-I{PROTOS}", f"--python_out={generated}",
                  f"--grpc_python_out={generated}", *TESTING_PROTOS])
        self.done()

    def python(self) -> Command:
        return [str(self.build_folder / "bin/python")]

    def version(self) -> str:
        text = (self.source / "requirements.txt").read_text(encoding="utf-8")
        return "grpcio " + re.search(r"grpcio==(\S+)", text).group(1)

    def environment(self) -> dict[str, str]:
        return {"INTEROP_GENERATED": str(self.build_folder / "generated"), "PYTHONDONTWRITEBYTECODE": "1"}

    def server_program(self) -> Command:
        return [*self.python(), str(self.source / "server.py")]

    def client_program(self) -> Command:
        return [*self.python(), str(self.source / "client.py")]


class Node(Peer):
    name = "node"
    programs = ("node", "npm")

    def build(self) -> None:
        manifests = [self.source / name for name in ("package.json", "package-lock.json")]
        if not self.once(*manifests):
            return
        self.build_folder.mkdir(parents=True, exist_ok=True)
        for manifest in manifests:
            shutil.copy(manifest, self.build_folder)
        self.run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefix", str(self.build_folder)])
        self.done()

    def version(self) -> str:
        manifest = json.loads((self.source / "package.json").read_text(encoding="utf-8"))
        return "@grpc/grpc-js " + manifest["dependencies"]["@grpc/grpc-js"]

    def environment(self) -> dict[str, str]:
        return {"NODE_PATH": str(self.build_folder / "node_modules"), "INTEROP_PROTOS": str(PROTOS)}

    def server_program(self) -> Command:
        return ["node", str(self.source / "server.js")]

    def client_program(self) -> Command:
        return ["node", str(self.source / "client.js")]


class Java(Peer):
    """The official server and client. They bring their certificates along: ours come before them in the class path. Both
    take TCP addresses only: on a Unix socket a program of ours serves the official service, and another runs its cases."""

    name = "java"
    programs = ("mvn", "java", "javac")
    package = "io/grpc/testing/integration"
    classes = ("ClientCases", "ReceivedMessages", "ServicesClient", "TargetTester", "UnixServer")

    def build(self) -> None:
        sources = [f"{self.package}/{name}.java" for name in self.classes]
        classes = self.build_folder / "classes"
        if self.once(self.source / "pom.xml", *(self.source / source for source in sources)):
            libraries = self.build_folder / "lib"
            shutil.rmtree(libraries, ignore_errors=True)
            self.run(["mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", f"-DoutputDirectory={libraries}"])
            self.run(["javac", "-cp", f"{libraries}/*", "-d", str(classes), *sources])
            self.done()
        (classes / "certs").mkdir(exist_ok=True)
        for name in ("ca.pem", "server1.pem", "server1.key"):
            shutil.copy(self.tls / name, classes / "certs")

    def version(self) -> str:
        text = (self.source / "pom.xml").read_text(encoding="utf-8")
        return "grpc-java " + re.search(r"<grpc.version>([^<]+)", text).group(1)

    def java(self, main: str) -> Command:
        return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp",
                f"{self.build_folder}/classes:{self.build_folder}/lib/*", f"{self.package.replace('/', '.')}.{main}"]

    def server(self, address: str, tls: bool) -> Command:
        if address.startswith("unix:"):
            pair = [str(self.tls / "server1.pem"), str(self.tls / "server1.key")] if tls else []
            return [*self.java("UnixServer"), address.removeprefix("unix:"), *pair]
        port = address.rpartition(":")[2]
        return [*self.java("TestServiceServer"), f"--port={port}", f"--use_tls={str(tls).lower()}"]

    def client(self, address: str, tls: bool, cases: list[str]) -> Command:
        host, _, port = address.rpartition(":")
        where = [f"--server_host={host}", f"--server_port={port}"] if host != "unix" else [f"--server_host={address}"]
        command = [*self.java("ClientCases"), *where,
                   f"--use_tls={str(tls).lower()}", "--soak_overall_timeout_seconds=60",
                   "--soak_per_iteration_max_acceptable_latency_ms=10000"]
        if tls:
            command += ["--use_test_ca=true", f"--server_host_override={certificates.SERVER_NAME}"]
        return command + cases


class Cpp(Peer):
    name = "cpp"
    programs = ("cmake", "ninja", "protoc", "grpc_cpp_plugin")

    def build(self) -> None:
        self.build_folder.mkdir(parents=True, exist_ok=True)
        if not (self.build_folder / "build.ninja").exists():
            launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
            self.run(["cmake", "-G", "Ninja", "-S", ".", "-B", str(self.build_folder), *launcher])
        self.run(["ninja", "--quiet", "-C", str(self.build_folder)])

    def version(self) -> str:
        done = subprocess.run(["pkg-config", "--modversion", "grpc++"], capture_output=True, text=True, check=False)
        return "gRPC C++ " + done.stdout.strip()

    def server_program(self) -> Command:
        return [str(self.build_folder / "cpp-server")]

    def client_program(self) -> Command:
        return [str(self.build_folder / "cpp-client")]


class Saker(Peer):
    """The same cases between our own client and server."""

    name = "saker"

    def __init__(self, binary: str) -> None:
        super().__init__()
        self.binary = binary

    def build(self) -> None:
        pass

    def version(self) -> str:
        done = subprocess.run([self.binary, "--version"], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def has_tls(self) -> bool:
        texts = [subprocess.run([self.binary, command, "--help"], capture_output=True, text=True, check=True).stdout
                 for command in ("interop-server", "interop-client")]
        return all("--tls-cert" in text for text in texts)

    def server(self, address: str, tls: bool) -> Command:
        flags = ["--tls-cert", str(self.tls / "server1.pem"), "--tls-key", str(self.tls / "server1.key")] if tls else []
        return [self.binary, "interop-server", "--listen", address, *flags]

    def client(self, address: str, tls: bool, cases: list[str]) -> Command:
        names = [word for case in cases for word in ("--test-case", case)]
        return [self.binary, "interop-client", address, *self.client_tls(tls), "--deadline", "60s", "--soak-max-latency",
                "10s", *names]


PEERS: tuple[type[Peer], ...] = (Go, Rust, Python, Node, Java, Cpp)
