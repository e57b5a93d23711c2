"""Runs cardctl in real processes that kill or stop themselves at a chosen point; the product knows nothing of it.

A point is the instant just before or just after something that leaves a trace: a commit of our books or of the far side, a
request, a file put in its place, a line of the result, what is said to a mail server or heard from it. They are found from
outside, by wrapping what does these things.

    python -m tests.machine.crashing [--kill N | --stop N] -- card fund …     one such process
    python -m tests.machine.crashing --serve                                  forks one for each line of JSON that it is sent
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO, cast


class Points:
    """Counts the points that this process passes, tells them to `told`, and raises `signal` on itself at number `fatal`."""

    def __init__(self, fatal: int | None, deadly: signal.Signals, told: int | None) -> None:
        self._passed = 0
        self._fatal = fatal
        self._signal = deadly
        self._told = told

    def passed(self, name: str) -> None:
        self._passed += 1
        if self._told is not None:
            os.write(self._told, f"{name}\n".encode())
        if self._passed == self._fatal:
            os.kill(os.getpid(), self._signal)

    def around(self, act: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        @functools.wraps(act)
        def wrapped(*arguments: Any, **named: Any) -> Any:
            told = name(*arguments)
            self.passed(f"{told} before")
            result = act(*arguments, **named)
            self.passed(f"{told} after")
            return result

        return wrapped

    def watch(self) -> None:
        """Wrap everything that leaves a trace."""
        import smtplib

        import sqlalchemy

        from cardctl.output.stream import Stream
        from cardctl.simulator.books import FarSide
        from cardctl.simulator.transport import SimulatorTransport

        def request(_: object, request: Any) -> str:
            return str(request.method)

        def said(_: object, text: str | bytes) -> str:
            return "mail" if text[-5:] in ("\r\n.\r\n", b"\r\n.\r\n") else "smtp"

        for owner, method, name in (
            (sqlalchemy.Connection, "commit", lambda *_: "books"),
            (FarSide, "_commit", lambda *_: "bank"),
            (SimulatorTransport, "handle_request", request),
            (smtplib.SMTP, "send", said),
            (smtplib.SMTP, "getreply", lambda *_: "answer"),
            (Stream, "write", lambda *_: "result"),
            (Stream, "write_bytes", lambda *_: "result"),
            (os, "link", lambda *_: "file"),
            (os, "replace", lambda *_: "file"),
        ):
            setattr(owner, method, self.around(getattr(owner, method), name))


def run(argv: list[str], stdout: TextIO, stderr: TextIO, *, waits: bool = False, stdin: str = "") -> int:
    """One command line in this process; unless it `waits`, what it waits for between attempts takes no time."""
    from cardctl import cli, runtime
    from cardctl.runtime import adapters, means

    for module in (adapters, means, runtime.run):
        cast(Any, module).time = time if waits else _NoSleep()
    return cli.run(argv, stdout, stderr, io.StringIO(stdin))


class _NoSleep:
    @staticmethod
    def sleep(seconds: float) -> None:
        os.sched_yield()


def serve() -> None:
    """Everything is imported once; each request forks its processes, waits for all of them, and is answered by a line."""
    _warm()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        started = [_Child(request) for request in json.loads(line)]
        print(json.dumps([child.ended() for child in started]), file=answers, flush=True)


class _Child:
    """A forked process that runs the request's command lines in turn: once, or over and over for `seconds`."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._told, told = os.pipe()
        self._files = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115 - closed once read
        self._pid = os.fork()
        if not self._pid:
            os.close(self._told)
            try:
                _work(request, told, *self._files)
            except BaseException:
                traceback.print_exc()
                os._exit(99)
        os.close(told)

    def ended(self) -> dict[str, Any]:
        with os.fdopen(self._told, encoding="utf-8") as told:
            points = told.read().splitlines()
        _, status = os.waitpid(self._pid, 0)
        out, err = (_read(file) for file in self._files)
        runs = [json.loads(line) for line in out.split("\n") if line]
        return {"code": os.waitstatus_to_exitcode(status), "points": points, "runs": runs, "stderr": err}


def _work(request: dict[str, Any], told: int, out: Any, err: Any) -> None:
    os.environ.update(request["environ"])
    os.dup2(err.fileno(), 2)
    if request["watch"]:
        Points(request["kill"], signal.SIGKILL, told).watch()
    until = time.monotonic() + request["seconds"]
    while True:
        for argv in request["argvs"]:
            stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
            code = run(argv, stdout, stderr, waits=request["waits"], stdin=request["stdin"])
            texts = [cast(Any, stream.detach()).getvalue().decode() for stream in (stdout, stderr)]
            out.write(json.dumps([argv, int(code), *texts]).encode() + b"\n")
        if time.monotonic() >= until:
            break
    out.flush()
    err.flush()
    os._exit(0)


def _read(file: Any) -> str:
    with file:
        file.seek(0)
        return str(file.read().decode())


def _warm() -> None:
    """Every noun loaded and a whole small programme made once, so that a forked process finds everything imported."""
    import gc

    from cardctl import cli

    for noun in cli.NOUNS:
        run([noun, "--help"], io.StringIO(), io.StringIO())
    with tempfile.TemporaryDirectory() as home:
        os.environ["CARDCTL_HOME"] = home
        for provider in ("stripe", "marqeta", "strowallet"):
            for line in ("provision --dev", "card sync", "operation resume"):
                if run([*line.split(), "--provider", provider], io.StringIO(), io.StringIO()):
                    raise AssertionError(f"{line} does not work with {provider}")
        person = ["--person", "a@example.com"]
        if run(["saved-card", "add", *person, "--nonce", "-"], io.StringIO(), io.StringIO(), stdin="cnon:card-nonce-ok"):
            raise AssertionError("saved-card add does not work")
        if run(["saved-card", "charge", "a@example.com", "--amount", "1", "--currency", "USD"], io.StringIO(), io.StringIO()):
            raise AssertionError("saved-card charge does not work")
        if run(["esim", "fulfil", "--demo"], io.StringIO(), io.StringIO()):
            raise AssertionError("esim fulfil does not work")
        if run(["audit", "verify"], io.StringIO(), io.StringIO()):
            raise AssertionError("audit verify does not work")
    gc.collect()
    gc.freeze()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--serve", action="store_true")
    options.add_argument("--kill", type=int)
    options.add_argument("--stop", type=int)
    options.add_argument("argv", nargs="*")
    told = options.parse_args()
    if told.serve:
        serve()
        return
    deadly = signal.SIGSTOP if told.stop else signal.SIGKILL
    Points(told.stop or told.kill, deadly, None).watch()
    sys.exit(run(told.argv, sys.stdout, sys.stderr))


if __name__ == "__main__":
    main()
