# shellcheck shell=bash
# dev-help.sh - what `./dev help` says of each command; `dev` sources it.

# help_of CMD: first line is the summary, then details, then an example.
help_of() {
  case $1 in
    deps) cat <<'END' ;;
install the Debian packages that are missing
Usage: ./dev deps [build|check]
Table and reasons: tools/packages.txt. Does nothing, and asks for no rights, when all are there.
Group `build` is enough to build; without a group, what tests, lint and fuzzing need comes too.
Example: ./dev deps
END
    build) cat <<'END' ;;
build a preset (default: release) into build/PRESET
Usage: ./dev build [release|debug|asan|tsan|fuzz] [TARGET...]
Uses ccache and mold when they are installed. The product is build/release/saker.
Example: ./dev build debug base_test
END
    test) cat <<'END' ;;
install, build a release and run all tests
Usage: ./dev test [CTEST-ARG...]
Ends with the skipped tests, by name, and one line 'N passed, N failed, N skipped' that counts the
cases of GoogleTest programs one by one.
Example: ./dev test -R hpack
END
    asan) cat <<'END' ;;
all tests under AddressSanitizer, leak check and UBSan
Usage: ./dev asan [CTEST-ARG... | --suites NAME...]
--suites builds and runs the programs NAME_test only.
Example: ./dev asan -R h2 -LE vm
END
    tsan) cat <<'END' ;;
all tests under ThreadSanitizer
Usage: ./dev tsan [CTEST-ARG... | --suites NAME...]
--suites builds and runs the programs NAME_test only.
Example: ./dev tsan -R rpc
END
    valgrind) cat <<'END' ;;
unit suites under valgrind's memcheck
Usage: ./dev valgrind [NAME...]
Runs the release build's programs NAME_test, all unit suites when none is named (half an hour), and fails for uninitialised
values, invalid accesses and leaks.
Example: ./dev valgrind hpack h2
END
    lint) cat <<'END' ;;
check layers, sizes, words, format, scripts and (on changed files) clang-tidy
Usage: ./dev lint [--full] [--verbose] [--no-tidy] [FILE...]
--full runs clang-tidy on all sources, FILE... checks only those. Rules: docs/testing.md.
Example: ./dev lint src/h2/connection.cc
END
    format) cat <<'END' ;;
format C++ files in place (default: all)
Usage: ./dev format [FILE...]
Example: ./dev format src/h2/*.cc
END
    demo) cat <<'END' ;;
install, build, then show every feature on every transport of this machine
Usage: ./dev demo
Example: ./dev demo
END
    bench) cat <<'END' ;;
install, build, then run the performance rows against their targets
Usage: ./dev bench [ROW...]
`crypto` stands for P5 and P6. PEERS (other implementations' servers) and GEN (the load generator beside h2load and ghz), which run only
when they are named, build those first: they need Go and cargo. docs/performance.md.
Example: ./dev bench P1 P2
END
    interop) cat <<'END' ;;
gRPC's interoperability cases against all other implementations
Usage: ./dev interop [PEER...]      PEER: saker go rust python node java cpp
Builds the peers in build/interop, prints a table of case by pair, then runs grpcurl, ghz and
grpc_health_probe against `saker serve`, and workers of performance tests against each other (not when peers
are named). tests/interop/peers/README.md.
Example: ./dev interop go
END
    signatures) cat <<'END' ;;
check signatures with other libraries, and theirs with Saker
Usage: ./dev signatures [LIBRARY...]      LIBRARY: go java rust
Builds a program for each in build/signatures; tests/signatures/README.md says what is checked.
Example: ./dev signatures go
END
    attack) cat <<'END' ;;
attack a running server, and our clients by a hostile one
Usage: ./dev attack [--full] [NAME...]      NAME: part of a file's, a class's or a test's name
Prints a table: attack, volume, reaction, memory, CPU, and an honest client's p99 beside it. --full sends
the whole volume, for half an hour. tests/attacks/README.md.
Example: ./dev attack resets
END
    faults) cat <<'END' ;;
kill, stop, cut off and starve real servers and clients in mid-call
Usage: ./dev faults [NAME...]      NAME: part of a file's, a class's or a test's name
What happens, and what must hold: tests/faults/README.md. Some cases need root (namespaces, a full disk)
and say so where they are skipped.
Example: ./dev faults killed
END
    soak) cat <<'END' ;;
mixed load at full speed, and whether memory or descriptors grow
Usage: ./dev soak [--minutes M]      default: 45
Prints a table: each process, its memory, the slope with its 95 % confidence interval, descriptors, threads.
Fails where a reply was wrong or something grows, from half an hour on also where that cannot be told. docs/testing.md, "Soak".
Example: ./dev soak --minutes 45
END
    vm) cat <<'END' ;;
run a program in a virtual machine that has VSOCK
Usage: ./dev vm [--nested CMD | --directed CMD] [OPTION...] PROGRAM [ARG...]
Details: ./dev vm --help, tests/vm/README.md.
Example: ./dev vm build/release/saker doctor
END
    fuzz) cat <<'END' ;;
build the fuzzers with clang and run them (default: each for 60 s)
Usage: ./dev fuzz [NAME|all [SECONDS | --minutes M]]
Seeds: fuzz/corpus/NAME. What a run finds to keep goes to build/fuzz/corpus/NAME, what breaks to build/fuzz/findings.
Example: ./dev fuzz hpack_decoder --minutes 10
END
    simulate) cat <<'END' ;;
run real clients and servers in simulated worlds, whose faults a seed decides
Usage: ./dev simulate [--asan] [--seed N [--trace] | --seeds N] [--hours H] [OPTION...]
All options: ./dev simulate --help. --asan, which comes first: with sanitizers and invariant checks.
docs/testing.md says what is done to the programs, and what must hold.
Example: ./dev simulate --hours 0.5 --progress
END
    ca) cat <<'END' ;;
make a CA for trying TLS, with a server's and a client's certificate
Usage: ./dev ca DIR [NAME...]
Writes ca.pem, server.pem, server.key, client.pem, client.key (and the CA's key) to DIR. The server's
certificate is for localhost, 127.0.0.1, ::1 and every NAME. What exists is kept: a second run renews
the server's and the client's certificate of the same CA. For tests, not for production: docs/tls.md.
Example: ./dev ca /tmp/saker-ca
END
    clean) cat <<'END' ;;
remove build/
Usage: ./dev clean
Example: ./dev clean
END
    *) return 1 ;;
  esac
}
