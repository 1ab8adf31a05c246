"""A certificate authority and a server certificate of a test run, made by openssl: under the names that the official test
certificates have, so that programs which bring those along can be given ours."""

from __future__ import annotations

import pathlib
import subprocess

SERVER_NAME = "foo.test.google.fr"
_EXTENSIONS = f"""\
basicConstraints=CA:FALSE
subjectAltName=DNS:{SERVER_NAME},DNS:localhost,IP:127.0.0.1
extendedKeyUsage=serverAuth
"""


def _openssl(folder: pathlib.Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def _lasts(certificate: pathlib.Path) -> bool:
    """It is there and is valid for the day that a run may last."""
    return certificate.exists() and subprocess.run(
        ["openssl", "x509", "-checkend", "86400", "-noout", "-in", certificate], check=False, capture_output=True
    ).returncode == 0


def make(folder: pathlib.Path) -> pathlib.Path:
    """ca.pem, server1.pem and server1.key in that folder; kept until they end."""
    folder.mkdir(parents=True, exist_ok=True)
    if _lasts(folder / "server1.pem"):
        return folder
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    _openssl(folder, "req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj",
             "/CN=interop test authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl(folder, "req", *curve, "-keyout", "server1.key", "-out", "server1.csr", "-subj", f"/CN={SERVER_NAME}")
    (folder / "server1.cnf").write_text(_EXTENSIONS, encoding="ascii")
    _openssl(folder, "x509", "-req", "-in", "server1.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
             "30", "-extfile", "server1.cnf", "-out", "server1.pem")
    return folder
