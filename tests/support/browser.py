"""Headless Chromium, driven by the DevTools protocol over its own pair of pipes: no port, no driver.

A page that was loaded leaves what went wrong in it (Page.problems) and whom it asked for something
(Page.requests). The browser has a profile and a home of its own, finds no host by name, and is ended
with all of its processes.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAM = shutil.which("chromium")

FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # which needs another user than root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--password-store=basic",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "about:blank",
)

# 3 and 4 are the pipes' ends that Chromium expects.
WITH_PIPES = 'exec "$@" 3<&{commands} 4>&{answers} {commands}<&- {answers}>&-'


def above(descriptor: int) -> int:
    """The same file, out of the way of 3 and 4."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


class Browser:
    def __init__(self, timeout_s: float) -> None:
        assert PROGRAM, "no chromium"
        self.timeout_s = timeout_s
        self.events: list[dict] = []
        self._bytes = b""
        self._last_id = 0
        self._home = tempfile.TemporaryDirectory(prefix="saker-browser-", ignore_cleanup_errors=True)
        self._log = open(pathlib.Path(self._home.name) / "log", "w+b")
        commands, self._commands = map(above, os.pipe())
        self._answers, answers = map(above, os.pipe())
        script = WITH_PIPES.format(commands=commands, answers=answers)
        profile = f"--user-data-dir={self._home.name}/profile"
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", script, "bash", PROGRAM, profile, *FLAGS],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=(commands, answers),
            env=os.environ | {"HOME": self._home.name, "XDG_RUNTIME_DIR": self._home.name},
            start_new_session=True,
        )
        os.close(commands)
        os.close(answers)

    def _fail(self, why: str) -> AssertionError:
        self._log.seek(0)
        return AssertionError(f"chromium: {why}\n{self._log.read().decode(errors='replace')[-4000:]}")

    def _receive(self, deadline: float) -> dict:
        while b"\0" not in self._bytes:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                raise self._fail("no answer in time")
            piece = os.read(self._answers, 1 << 20)
            if not piece:
                raise self._fail("it ended")
            self._bytes += piece
        message, self._bytes = self._bytes.split(b"\0", 1)
        return json.loads(message)

    def command(self, method: str, session: str = "", **parameters: object) -> dict:
        """Its result; events that come meanwhile are kept."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self._commands, rest) :]
        deadline = time.monotonic() + self.timeout_s
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise self._fail(f"{method}: {answer['error']}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def wait_for(self, method: str) -> None:
        """Until such an event has come since the events were last forgotten."""
        deadline = time.monotonic() + self.timeout_s
        while not any(event["method"] == method for event in self.events):
            answer = self._receive(deadline)
            if "method" in answer:
                self.events.append(answer)

    def close(self) -> None:
        with contextlib.suppress(AssertionError, OSError):
            self.command("Browser.close")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(min(self.timeout_s, 10))
        with contextlib.suppress(ProcessLookupError):  # its children, if any are left
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._commands)
        os.close(self._answers)
        self._log.close()
        self._home.cleanup()


class Page:
    """One tab, which shows one file after the other."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        target = browser.command("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.command("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **parameters: object) -> dict:
        return self.browser.command(method, self._session, **parameters)

    def set_size(self, width: int, height: int, mobile: bool) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, mobile=mobile, deviceScaleFactor=2 if mobile else 1,
        )  # fmt: skip

    def set_scheme(self, scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def load(self, path: pathlib.Path) -> None:
        self.browser.events.clear()
        failed = self.command("Page.navigate", url=path.as_uri()).get("errorText")
        assert not failed, failed
        self.browser.wait_for("Page.loadEventFired")

    def evaluate(self, script: str) -> object:
        """The value of an expression, or of the promise that it is."""
        done = self.command(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def settle(self) -> None:
        """Until what has been changed is laid out and painted."""
        self.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
        )

    def screenshot(self, path: pathlib.Path) -> None:
        shot = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    @property
    def requests(self) -> list[str]:
        """Since load(): everything that was fetched, the file itself among it."""
        return [
            event["params"]["request"]["url"]
            for event in self.browser.events
            if event["method"] == "Network.requestWillBeSent"
        ]

    @property
    def problems(self) -> list[str]:
        """Since load(): exceptions, and errors and warnings of the console or the browser."""
        found = []
        for event in self.browser.events:
            method, what = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                details = what["exceptionDetails"]
                found.append(details.get("exception", {}).get("description", details["text"]))
            elif method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning", "assert"):
                found.append(str(what["args"]))
            elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
                found.append(f"{what['entry']['text']} {what['entry'].get('url', '')}")
        return found
