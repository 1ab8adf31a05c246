#!/usr/bin/env bash
# dev-deps.sh [build|check] - `./dev deps`: installs what tools/packages.txt lists and is missing,
# and fetches the guest kernel of tests/vm. When nothing is missing, apt is not run and no rights
# are needed. Package lists are refreshed only if apt does not know a package or cannot fetch it.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

readonly PACKAGES=tools/packages.txt

say() { echo "== $*" >&2; }
die() {
  echo "dev deps: $*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "installing packages needs root or sudo: $*"
  fi
}
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" </dev/null
}

wanted_packages() {  # wanted_packages GROUP ('' for all)
  awk -v group="$1" '!/^#/ && NF && (group == "" || $2 == group) { print $1 }' "$PACKAGES" | sort
}

missing_packages() {
  local wanted
  mapfile -t wanted < <(wanted_packages "$1")
  comm -23 <(printf '%s\n' "${wanted[@]}") \
    <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
      sed -n 's/^installed //p' | sort -u)
}

all_known_to_apt() {
  local package
  for package in "$@"; do
    apt-cache show --no-all-versions "$package" >/dev/null 2>&1 || return 1
  done
}

install_packages() {
  local updated=0
  if ! all_known_to_apt "$@"; then
    apt_get update
    updated=1
  fi
  if apt_get install -y --no-install-recommends "$@"; then return; fi
  [ $updated = 0 ] || die "apt-get could not install: $*"
  apt_get update  # the lists were stale
  apt_get install -y --no-install-recommends "$@" || die "apt-get could not install: $*"
}

# A machine that cannot run the VM can do all the rest: its VM tests are skipped, by name.
prepare_vm() {
  local log
  if log=$(tests/vm/run-in-vm --prepare 2>&1); then return; fi
  if [[ $log == *'apt-get update'* ]]; then
    apt_get update
    if log=$(tests/vm/run-in-vm --prepare 2>&1); then return; fi
  fi
  say "tests in the VM will be skipped: $log"
}

main() {
  local group=${1:-} missing
  case $group in
    '' | build | check) ;;
    *) die "takes build or check, not '$group'" ;;
  esac
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system: install by hand what $PACKAGES lists"
    return
  fi
  mapfile -t missing < <(missing_packages "$group")
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    install_packages "${missing[@]}"
  fi
  [ "$group" = build ] || prepare_vm
}
main "$@"
