"""Echo servers of other implementations for the row PEERS: built in build/peers from bench/peers, by their own toolchains."""
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = os.path.join(ROOT, "bench", "peers")
BUILD = os.path.join(ROOT, "build", "peers")
GHZ_VERSION = "v0.93.0"
# Those that take a certificate and its key behind their address.
WITH_TLS = ("gRPC C++ (Debian, asserts)", "grpc-go", "tonic")


def build(grpc_cpp):
    """The command of each peer's server, without its address, by the peer's name."""
    missing = [tool for tool in ("cargo", "go", "protoc") if shutil.which(tool) is None]
    if missing:
        raise RuntimeError(f"the row PEERS needs {', '.join(missing)}")
    rust = build_rust()
    return {
        "gRPC C++ (Debian, asserts)": [grpc_cpp],
        "grpc-go": [build_go()],
        "tonic": [os.path.join(rust, "tonic-echo")],
        "pajamax": [os.path.join(rust, "pajamax-echo")],
    }


def build_ghz():
    """The load generator that gRPC's users know best."""
    folder = os.path.join(BUILD, "bin")
    program = os.path.join(folder, "ghz")
    if not os.access(program, os.X_OK):
        subprocess.run(["go", "install", f"github.com/bojand/ghz/cmd/ghz@{GHZ_VERSION}"], check=True,
                       env=os.environ | {"GOBIN": folder})
    return program


def build_rust():
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=os.path.join(SOURCES, "rust"), check=True,
                   env=os.environ | {"CARGO_TARGET_DIR": os.path.join(BUILD, "rust")})
    return os.path.join(BUILD, "rust", "release")


def build_go():
    """Generated code must lie within its module: the build is a copy of the sources with it."""
    folder, plugins = os.path.join(BUILD, "go"), os.path.join(BUILD, "bin")
    shutil.copytree(os.path.join(SOURCES, "go"), folder, dirs_exist_ok=True)
    for plugin in ("google.golang.org/protobuf/cmd/protoc-gen-go", "google.golang.org/grpc/cmd/protoc-gen-go-grpc"):
        subprocess.run(["go", "build", "-o", f"{plugins}/", plugin], cwd=folder, check=True)
    options = ["Msaker/echo/v1/echo.proto=saker-bench-peer/echo", "module=saker-bench-peer"]
    outputs = [f"--{kind}_{name}={value}" for kind in ("go", "go-grpc")
               for name, value in [("out", folder), *(("opt", option) for option in options)]]
    subprocess.run(["protoc", "-I", os.path.join(ROOT, "proto"), *outputs, "saker/echo/v1/echo.proto"], check=True,
                   env=os.environ | {"PATH": f"{plugins}:{os.environ['PATH']}"})
    subprocess.run(["go", "build", "-o", f"{plugins}/grpc-go-echo", "."], cwd=folder, check=True)
    return os.path.join(plugins, "grpc-go-echo")
