"""A PKCS#11 token in software (SoftHSM) for one test: made by softhsm2-util, filled by pkcs11-tool."""

from __future__ import annotations

import ctypes
import os
import pathlib
import shutil
import subprocess
from collections.abc import Mapping

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
SECURITY_OFFICER_PIN = "12345678"

CKF_RW_SESSION, CKF_SERIAL_SESSION = 2, 4
CKU_USER = 1
CKA_CLASS, CKA_LABEL, CKA_SIGN = 0x0, 0x3, 0x108
CKO_PRIVATE_KEY = 3


def why_not() -> str:
    """Why there can be no token here, or nothing."""
    for program in ("softhsm2-util", "pkcs11-tool"):
        if shutil.which(program) is None:
            return f"no {program}"
    return "" if os.path.exists(MODULE) else f"no {MODULE}"


class Attribute(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_ulong), ("value", ctypes.c_void_p), ("size", ctypes.c_ulong)
    ]  # fmt: skip


def attribute(kind: int, value: bytes) -> Attribute:
    return Attribute(kind, ctypes.cast(ctypes.c_char_p(value), ctypes.c_void_p), len(value))


class SoftToken:
    """Tokens of one directory; `environment` is what a process needs to see them."""

    def __init__(self, directory: pathlib.Path, label: str = "signing", pin: str = "4321") -> None:
        self.label, self.pin = label, pin
        self.store = directory / "tokens"
        self.store.mkdir(exist_ok=True)
        self.configuration = directory / "softhsm2.conf"
        self.configuration.write_text(
            f"directories.tokendir = {self.store}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        self.add_token(label)

    @property
    def environment(self) -> dict[str, str]:
        return {"SOFTHSM2_CONF": str(self.configuration)}

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | self.environment
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def add_token(self, label: str) -> None:
        self._run(
            "softhsm2-util", "--init-token", "--free", "--label", label,
            "--so-pin", SECURITY_OFFICER_PIN, "--pin", self.pin,
        )  # fmt: skip

    def tool(self, *arguments: str) -> str:
        """pkcs11-tool, logged in."""
        return self._run(
            "pkcs11-tool", "--module", MODULE, "--token-label", self.label, "--login",
            "--pin", self.pin, *arguments,
        ).stdout  # fmt: skip

    def generate(self, label: str, key_type: str, number: int, *arguments: str) -> None:
        """A key pair made on the token, which its private half never leaves."""
        self.tool(
            "--keypairgen", "--key-type", key_type, "--label", label, "--id", f"{number:02x}",
            "--usage-sign", *arguments,
        )  # fmt: skip

    def delete(self, label: str, kind: str) -> None:
        self.tool("--delete-object", "--type", kind, "--label", label)

    def set_may_sign(self, label: str, may: bool) -> None:
        """CKA_SIGN of a private key: no tool changes it afterwards."""
        os.environ.update(self.environment)
        module = ctypes.CDLL(MODULE)
        session = ctypes.c_ulong()

        def call(name: str, *arguments: object) -> None:
            result = getattr(module, name)(*arguments)
            assert result == 0, f"{name}: {result:#x}"

        call("C_Initialize", None)
        try:
            slots, count = (ctypes.c_ulong * 64)(), ctypes.c_ulong(64)
            call("C_GetSlotList", ctypes.c_ubyte(1), slots, ctypes.byref(count))
            flags = ctypes.c_ulong(CKF_SERIAL_SESSION | CKF_RW_SESSION)
            call("C_OpenSession", ctypes.c_ulong(slots[0]), flags, None, None, ctypes.byref(session))
            pin = self.pin.encode()
            call("C_Login", session, ctypes.c_ulong(CKU_USER), pin, ctypes.c_ulong(len(pin)))
            wanted = (Attribute * 2)(
                attribute(CKA_CLASS, CKO_PRIVATE_KEY.to_bytes(8, "little")),
                attribute(CKA_LABEL, label.encode()),
            )
            key, found = ctypes.c_ulong(), ctypes.c_ulong()
            call("C_FindObjectsInit", session, wanted, ctypes.c_ulong(2))
            one = ctypes.c_ulong(1)
            call("C_FindObjects", session, ctypes.byref(key), one, ctypes.byref(found))
            call("C_FindObjectsFinal", session)
            assert found.value == 1, f"no private key {label}"
            change = (Attribute * 1)(attribute(CKA_SIGN, bytes([may])))
            call("C_SetAttributeValue", session, key, change, one)
        finally:
            module.C_Finalize(None)
