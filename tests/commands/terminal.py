"""Runs the command line in a process on a terminal of its own, and reads what the terminal was sent."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios

from tests.commands.runner import Cardctl


def on_terminal(cardctl: Cardctl, *argv: str, typed: str = "") -> tuple[int, str, str]:
    """Exit code, and what stdout's and stderr's terminals got; `typed` waits at the keyboard."""
    keyboard, mouth, ear = (pty.openpty() for _ in range(3))
    for _, end in (mouth, ear):
        plain = termios.tcgetattr(end)
        plain[1] &= ~termios.OPOST  # a newline stays what it was written as
        termios.tcsetattr(end, termios.TCSANOW, plain)
    os.write(keyboard[0], typed.encode() + b"\x04")
    process = subprocess.Popen(
        [sys.executable, "-m", "cardctl", *argv],
        stdin=keyboard[1],
        stdout=mouth[1],
        stderr=ear[1],
        env=cardctl.environ({"TERM": "xterm", "COLUMNS": "200"}),
    )
    for _, end in (keyboard, mouth, ear):
        os.close(end)
    texts = [_read(main) for main, _ in (mouth, ear)]
    os.close(keyboard[0])
    return process.wait(timeout=60), texts[0], texts[1]


def _read(main: int) -> str:
    """Until the other side has gone: all that it wrote fits the terminal's buffer, so that reading one by one cannot block."""
    taken = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # Linux says so where the process has ended
            part = b""
        if not part:
            os.close(main)
            return taken.decode()
        taken += part
