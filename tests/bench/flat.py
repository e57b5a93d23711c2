"""Memory over many events: `python -m tests.bench.flat EVENTS HOME`. They are ingested from a pipe and replayed; both peaks.

Bodies of about a kilobyte, each an authorization of its own on one of 200 cards, signed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import orjson

from cardctl import runtime
from cardctl.output.console import Output
from tests.bench import events as bench
from tests.bench.measuring import CARDCTL, home_env
from tests.providers.stripe.objects import authorization


def lines(events: int) -> Iterable[bytes]:
    """As `webhook ingest` reads them."""
    at = int(time.time())
    received = datetime.fromtimestamp(at, UTC).isoformat()
    for number in range(events):
        told = authorization(id=f"iauth_{number:09d}", card=f"ic_bench{number % bench.CARDS:06d}", amount=100)
        event = {"id": f"evt_{number:09d}", "object": "event", "type": "issuing_authorization.created", "created": at}
        body = json.dumps({**event, "livemode": False, "data": {"object": told}})
        headers = {"Stripe-Signature": bench.signed(body.encode(), at)}
        yield orjson.dumps({"provider": "stripe", "headers": headers, "body": body, "received_at": received}) + b"\n"


def peak(home: Path, words: list[str], fed: Iterable[bytes]) -> tuple[float, float]:
    """MB and seconds of one command, with lines on its stdin."""
    env = {**os.environ, **home_env(home), "CARDCTL_STRIPE_WEBHOOK_SECRET": bench.SECRET}
    argv = [sys.executable, "-c", CARDCTL, *words, "--profile", "dev", "-o", "json"]
    begun = time.perf_counter()
    process = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    for line in fed:
        process.stdin.write(line)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(words)} ended with {process.returncode}")
    return usage.ru_maxrss / 1024, time.perf_counter() - begun


def main(events: int, home: Path) -> None:
    """Print the figures."""
    os.environ["CARDCTL_HOME"] = str(home)
    with runtime.opened(output=Output.JSON, profile="dev") as run:
        bench.known_cards(run)
    for words, fed in (
        (["webhook", "ingest", "-", "--provider", "stripe", "--no-apply"], lines(events)),
        (["webhook", "replay", "--failed"], []),
        (["webhook", "replay", "--since", "2026-01-01"], []),
    ):
        memory, seconds = peak(home, words, fed)
        print(f"{' '.join(words)}: {events} events, {memory:.0f} MB at most, {seconds:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
