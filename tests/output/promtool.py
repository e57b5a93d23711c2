"""Prometheus' own checker, which is skipped by name where it is not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def promtool(*args: str, cwd: Path | None = None, stdin: str = "") -> str:
    """What promtool says of it; the test fails unless it is content, and has nothing to remark."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not there (Debian's package prometheus has it)")
    done = subprocess.run([program, *args], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
