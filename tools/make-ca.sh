#!/usr/bin/env bash
# make-ca.sh DIR [NAME...] - a certificate authority for tests and trials, by the openssl program, and
# what it issues: server.pem for localhost and each NAME, client.pem with a SPIFFE ID. The CA and its
# key are kept from run to run; the certificates are made anew each time and replaced by rename, so
# that a running server never sees half of one.
set -euo pipefail

readonly DAYS=365

[ $# -ge 1 ] || {
  echo "Usage: make-ca.sh DIR [NAME...]" >&2
  exit 2
}
dir=$1
shift
mkdir -p "$dir"
umask 077

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

names_of_server() {
  local names=DNS:localhost,IP:127.0.0.1,IP:::1 name
  for name in "$@"; do
    if [[ $name =~ ^[0-9.]+$ || $name == *:* ]]; then
      names+=,IP:$name
    else
      names+=,DNS:$name
    fi
  done
  echo "$names"
}

make_ca() {
  new_key "$dir/ca.key"
  openssl req -x509 -new -key "$dir/ca.key" -out "$dir/ca.pem" -days $DAYS -sha256 \
    -subj "/CN=Saker test CA" -addext basicConstraints=critical,CA:TRUE \
    -addext keyUsage=critical,keyCertSign,cRLSign
}

# issue FILE COMMON-NAME USAGE NAMES
issue() {
  local file=$dir/$1
  new_key "$file.key.new"
  openssl req -new -key "$file.key.new" -subj "/CN=$2" -out "$file.csr"
  openssl x509 -req -in "$file.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -days $DAYS -sha256 \
    -set_serial "0x$(openssl rand -hex 16)" -out "$file.pem.new" -extfile <(
      echo basicConstraints=critical,CA:FALSE
      echo keyUsage=critical,digitalSignature
      echo "extendedKeyUsage=$3"
      echo "subjectAltName=$4"
    ) 2>/dev/null
  rm "$file.csr"
  mv "$file.key.new" "$file.key"
  mv "$file.pem.new" "$file.pem"
}

[ -e "$dir/ca.key" ] || make_ca
issue server "Saker test server" serverAuth "$(names_of_server "$@")"
issue client "Saker test client" clientAuth "URI:spiffe://saker.test/client,DNS:client.saker.test"
echo "$dir: ca.pem, server.pem, server.key, client.pem, client.key"
