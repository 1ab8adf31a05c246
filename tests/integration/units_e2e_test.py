"""The units of deploy/systemd: known to systemd, and with all that a server's flags need there."""

import pathlib
import shutil
import subprocess

import saker_e2e as e2e

UNITS = e2e.ROOT / "deploy/systemd"


def settings(unit: str) -> list[str]:
    """The lines in effect."""
    lines = (UNITS / unit).read_text().splitlines()
    return [line for line in lines if "=" in line and not line.startswith("#")]


@e2e.once
class Units(e2e.TestCase):
    def test_a_reload_is_a_hangup(self) -> None:
        self.assertIn("ExecReload=/bin/kill -HUP $MAINPID", settings("saker.service"))

    def test_there_is_where_to_write(self) -> None:
        service = settings("saker.service")
        self.assertIn("ProtectSystem=strict", service)
        for line in (
            "StateDirectory=saker", "StateDirectoryMode=0700",
            "LogsDirectory=saker", "LogsDirectoryMode=0700",
        ):  # fmt: skip
            self.assertIn(line, service)

    @e2e.unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_systemd_understands_all_of_it(self) -> None:
        for unit in UNITS.iterdir():
            text = unit.read_text().replace("/usr/bin/saker", e2e.SAKER)
            # What is there to be uncommented is verified, too.
            lines = [line[1:] if line.startswith("#") and line[1:2].isalpha() else line
                     for line in text.splitlines()]  # fmt: skip
            (self.directory / unit.name).write_text("\n".join(lines) + "\n")
        paths = sorted(str(path) for path in pathlib.Path(self.directory).iterdir())
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *paths],
            capture_output=True, text=True, timeout=e2e.TIMEOUT_S, check=False,
        )  # fmt: skip
        said = [line for line in done.stderr.splitlines() if "saker" in line]
        self.assertEqual((done.returncode, said), (0, []), done.stderr)


if __name__ == "__main__":
    e2e.main()
