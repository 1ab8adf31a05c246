#!/usr/bin/env bash
# ./dev demo: a server, then echo, every signature algorithm and a benchmark over every transport that the machine has,
# signatures checked by the openssl program; one report at the end, exit 0. Everything it makes lives in one temporary folder.
#   demo.sh SAKER            the release binary
# VSOCK: over the kernel's loopback where there is one, else inside a virtual machine (marked "emulated").
set -euo pipefail
export LC_ALL=C

saker=$(readlink -f "${1:?usage: demo.sh SAKER}")
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/saker-demo.XXXXXX")
server=''
report=$work/report
cleanup() {
  if [ -n "$server" ] && kill "$server" 2>/dev/null; then wait "$server" || :; fi
  rm -rf "$work"
}
trap cleanup EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# start_server LISTEN...: sets $server and the addresses as bound
start_server() {
  local flags=() address
  for address in "$@"; do flags+=(--listen "$address"); done
  "$saker" serve --no-vsock "${flags[@]}" >"$work/ready" 2>"$work/server.log" &
  server=$!
  for _ in $(seq 200); do
    [ "$(grep -c 'listening on' "$work/ready" || :)" = "$#" ] && break
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; exit 1; }
    sleep 0.1
  done
  mapfile -t targets < <(sed -n 's/^listening on //p' "$work/ready")
}

stop_server() {
  kill "$server"
  wait "$server"
  server=''
}

# openssl_check ALGORITHM PEM: 0 when $work/signature is that key's for $work/message
openssl_check() {
  local digest padding=()
  case $1 in *SHA256) digest=sha256 ;; *SHA384) digest=sha384 ;; *SHA512) digest=sha512 ;; esac
  case $1 in RSA_PSS*) padding=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest) ;; esac
  openssl dgst "-$digest" "${padding[@]}" -verify "$2" -signature "$work/signature" "$work/message" >/dev/null
}

sign_all() {
  local target=$1 algorithm type signed=0
  for algorithm in RSA_PKCS1_V15_SHA256 RSA_PKCS1_V15_SHA384 RSA_PKCS1_V15_SHA512 RSA_PSS_SHA256 RSA_PSS_SHA384 \
                   RSA_PSS_SHA512 ECDSA_P256_SHA256 ECDSA_P384_SHA384; do
    case $algorithm in RSA*) type=rsa-2048 ;; *P256*) type=ec-p256 ;; *P384*) type=ec-p384 ;; esac
    "$saker" keys get "$target" --key-type $type --out "$work/$type.pem"
    "$saker" sign "$target" --key-type $type --algorithm $algorithm --in "$work/message" --out "$work/signature" 2>/dev/null
    openssl_check $algorithm "$work/$type.pem"
    "$saker" verify "$target" --key-type $type --algorithm $algorithm --in "$work/message" \
      --signature "$work/signature" >/dev/null
    signed=$((signed + 1))
  done
  echo "$signed"
}

# try_target NAME TARGET SECONDS: echo, sign, bench; one line of the report
try_target() {
  local name=$1 target=$2 seconds=$3 latency signed rate
  latency=$("$saker" echo "$target" --payload hello --count 200 --json |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["summary"]["total_ns"]["p50"] / 1000)')
  signed=$(sign_all "$target")
  "$saker" bench echo "$target" -z "$seconds" --quiet --json --assert 'errors==0' >"$work/bench.json"
  rate=$(python3 -c 'import json, sys; print("%14s %10.0f" % (
    format(int(json.load(open(sys.argv[1]))["calls_per_second"]), ","),
    json.load(open(sys.argv[1]))["latency_ns"]["corrected"]["p99"] / 1000))' "$work/bench.json")
  printf '%-22s %12.1f %14s %s\n' "$name" "$latency" "$signed of 8" "$rate" | tee -a "$report"
}

head -c 2000 /dev/urandom >"$work/message"
say "Saker $("$saker" version | head -1 | awk '{print $NF}'): TCP, Unix sockets and VSOCK, one server"
start_server 127.0.0.1:0 "unix:$work/saker.sock" "unix-abstract:saker-demo-$$"
printf '%s\n' "${targets[@]}" | sed 's/^/  listening on /'
say "One echo, with the server's times"
"$saker" echo "${targets[0]}" --payload "hello, saker"
say "One signature, checked by openssl"
"$saker" sign "${targets[0]}" --key-type ec-p256 --algorithm ECDSA_P256_SHA256 --in "$work/message" --out "$work/signature"
"$saker" keys get "${targets[0]}" --key-type ec-p256 --out "$work/key.pem"
openssl dgst -sha256 -verify "$work/key.pem" -signature "$work/signature" "$work/message"

say "Every transport: echo, all 8 algorithms, and a benchmark with every reply checked"
printf '%-22s %12s %14s %14s %10s\n' transport 'echo p50 us' 'signatures' 'calls/s' 'p99 us' | tee "$report"
try_target tcp "${targets[0]}" 3s
try_target unix "${targets[1]}" 3s
try_target unix-abstract "${targets[2]}" 3s
stop_server

if "$saker" serve --listen vsock:local:0 --check-config >/dev/null 2>&1 &&
   python3 -c 'import socket; s = socket.socket(socket.AF_VSOCK); s.bind((1, 0xFFFFFFFF)); s.listen()
c = socket.socket(socket.AF_VSOCK); c.settimeout(1); c.connect(s.getsockname())' 2>/dev/null; then
  start_server vsock:local:50051
  try_target vsock "${targets[0]}" 3s
  stop_server
else
  "$here/tests/vm/run-in-vm" --copy "$saker" --copy "$here/tests/vm/vsock_demo" --timeout 200 \
    "$here/tests/vm/vsock_demo" "$saker" | tee -a "$report"
fi
say "Done: every call answered, every signature verified."
