"""A real browser for the tests of pages: headless Chromium, spoken to over a pipe. What it complains of, it keeps."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--mute-audio",
    "--remote-debugging-pipe", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip
_PIPES = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
_PATIENCE = 300
_COMPLAINTS = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Audits.issueAdded"}


def program() -> str | None:
    """Where Chromium is, None where it is not."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@dataclass
class Page:
    """One tab. `complaints` are console messages, script errors and refusals of the page's policy, `asked` every address."""

    chromium: _Pipe
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, path: Path) -> None:
        """Show a file, and wait until it is loaded."""
        self.complaints.clear()
        self.asked.clear()
        self._loaded = False
        self.call("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._take(self.chromium.read())
        self.value("new Promise(done => setTimeout(done, 50))")  # what a page does of itself, it does by then

    def value(self, script: str) -> Any:
        """What an expression comes to in the page; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def resize(self, width: int, height: int = 800) -> None:
        """A phone's screen of this width in CSS pixels, where the page's own viewport line counts."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=True)
        self.settle()

    def settle(self) -> None:
        """Wait until what was changed is drawn."""
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def medium(self, name: str = "screen", scheme: str = "light") -> None:
        """`screen` or `print`, and what the reader prefers: `light` or `dark`."""
        self.call("Emulation.setEmulatedMedia", media=name, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.settle()

    def print(self) -> bytes:
        """The page as a PDF."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = self.chromium.send(method, params)
        while (message := self.chromium.read()).get("id") != number:
            self._take(message)
        assert "error" not in message, message
        return dict(message["result"])

    def _take(self, message: dict[str, Any]) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method in _COMPLAINTS:
            self.complaints.append(json.dumps(params))
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loaded = True


class _Pipe:
    """The DevTools protocol: JSON messages with a zero byte after each."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, os.fdopen(writer, "wb")
        self._waiting = b""
        self._number = 0
        self.session: str | None = None

    def send(self, method: str, params: dict[str, Any]) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self._writer.write(json.dumps(message).encode() + b"\0")
        self._writer.flush()
        return self._number

    def read(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            assert select([self._reader], [], [], _PATIENCE)[0], "Chromium says nothing"
            chunk = os.read(self._reader, 1 << 16)
            assert chunk, "Chromium has gone"
            self._waiting += chunk
        message, _, self._waiting = self._waiting.partition(b"\0")
        return dict(json.loads(message))

    def close(self) -> None:
        os.close(self._reader)
        self._writer.close()


@contextmanager
def chromium(program: str, profile: Path) -> Iterator[Page]:
    """A browser of this test's own, with its profile in `profile`; it ends with the block."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    command = [sys.executable, "-c", _PIPES, str(theirs_in), str(theirs_out), program, *_FLAGS, f"--user-data-dir={profile}"]
    with (profile.parent / "chromium.txt").open("wb") as log:
        process = subprocess.Popen(command, pass_fds=(theirs_in, theirs_out), stdout=log, stderr=log)
    os.close(theirs_in)
    os.close(theirs_out)
    pipe = _Pipe(ours_in, ours_out)
    try:
        yield _page(pipe)
        pipe.session = None
        pipe.send("Browser.close", {})
        process.wait(30)
    finally:
        pipe.close()
        process.kill()
        process.wait()


def _page(pipe: _Pipe) -> Page:
    page = Page(pipe)
    target = page.call("Target.createTarget", url="about:blank")["targetId"]
    pipe.session = page.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
        page.call(f"{domain}.enable")
    return page
