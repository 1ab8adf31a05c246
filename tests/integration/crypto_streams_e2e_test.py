"""Messages that are signed in pieces: SignStream, and `saker sign` with an input of any length."""

import hashlib
import os
import subprocess

import saker_e2e as e2e
from crypto_client import Client, pb


class Streams(e2e.TestCase):
    def test_a_stream_is_signed_as_the_whole_message(self) -> None:
        with e2e.Server() as server, Client(server.grpc_address) as client:
            start = pb.SignStreamStart(key_name="ec-p256", algorithm=pb.ECDSA_P256_SHA256)
            for sizes in ([], [0], [1], [100] * 50, [4096, 4097], [1 << 20, 70_000, 3]):
                pieces = [os.urandom(size) for size in sizes]
                message = b"".join(pieces)
                requests = [pb.SignStreamRequest(start=start)]
                requests += [pb.SignStreamRequest(data=piece) for piece in pieces]
                reply = client.sign_stream(requests)
                verified = client.call(
                    "Verify",
                    pb.VerifyRequest(
                        key_name="ec-p256", algorithm=pb.ECDSA_P256_SHA256,
                        digest=hashlib.sha256(message).digest(), signature=reply.signature,
                    ),
                )  # fmt: skip
                self.assertTrue(verified.valid)
                self.assertFalse(reply.input_crc32c_verified)
                self.assertEqual(reply.key_version, 1)

    def test_the_checksum_is_of_all_pieces(self) -> None:
        with e2e.Server() as server, Client(server.grpc_address) as client:
            start = pb.SignStreamStart(key_name="ec-p256", algorithm=pb.ECDSA_P256_SHA256)
            reply = client.sign_stream(
                [
                    pb.SignStreamRequest(start=start, data=b"12345"),
                    pb.SignStreamRequest(data=b"6789", input_crc32c=0xE3069283),
                ]
            )
            self.assertTrue(reply.input_crc32c_verified)

    @e2e.once
    def test_the_command_streams_what_is_long(self) -> None:
        with e2e.Server() as server:
            signature = str(self.directory / "signature")
            choice = ["--key", "ec-p256", "--algorithm", "ECDSA_P256_SHA256"]
            for size in (65536, 65537, 131072, 3_000_001):
                message = os.urandom(size)
                file = self.write("message", message)
                for source, stdin in ((["--in", file], None), ([], message)):
                    self.assert_run(
                        "sign", server.address, *choice, *source, "--out", signature, stdin=stdin
                    )
                    self.assert_run(
                        "verify", server.address, *choice, "--in", file, "--signature", signature
                    )

    @e2e.once
    def test_the_command_minds_the_call_while_its_input_is_silent(self) -> None:
        algorithm = ["--algorithm", "ECDSA_P256_SHA256"]
        with e2e.Server() as server:
            for choice, status, said in (
                (["--key", "none"], e2e.NOT_FOUND, b'no key "none"'),
                (["--key", "ec-p256", "--deadline", "500ms"], e2e.DEADLINE_EXCEEDED, b"DEADLINE"),
            ):
                with self.subTest(choice):
                    process = subprocess.Popen(
                        [e2e.SAKER, "sign", server.address, *choice, *algorithm],
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    )  # fmt: skip
                    self.addCleanup(process.kill)
                    process.stdin.write(b"x" * 70_000)
                    process.stdin.flush()
                    self.assertEqual(process.wait(e2e.TIMEOUT_S), e2e.exit_of_status(status))
                    with process.stdin, process.stdout, process.stderr as errors:
                        self.assertIn(said, errors.read())

    @e2e.once
    def test_the_limit_of_a_message(self) -> None:
        with e2e.Server("--max-sign-stream", "100KiB") as server:
            choice = ["--key", "ec-p256", "--algorithm", "ECDSA_P256_SHA256",
                      "--out", str(self.directory / "signature")]  # fmt: skip
            self.assert_run("sign", server.address, *choice, stdin=b"x" * 102400)
            self.assert_run(
                "sign", server.address, *choice, stdin=b"x" * 102401,
                code=e2e.exit_of_status(e2e.INVALID_ARGUMENT), stderr="more than 102400 bytes",
            )  # fmt: skip


if __name__ == "__main__":
    e2e.main()
