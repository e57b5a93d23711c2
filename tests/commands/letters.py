"""What providers send, as files of events: the far side's own deliveries, and bodies that a test signs itself."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

from cardctl.simulator.control import Control
from cardctl.simulator.delivering import to_line

SECRET = "whsec_0123456789abcdefghij"


def lines(far_side: Control, **wanted: Any) -> list[dict[str, Any]]:
    """The far side's deliveries as JSON lines hold them."""
    return [to_line(posted) for posted in far_side.deliveries(**wanted)]


def written(path: Path, *told: Any) -> str:
    """JSON lines in a file, whose name this gives; a text is a line as it stands."""
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in told), "utf-8")
    return str(path)


def event(number: int, kind: str = "balance.available", /, **more: Any) -> str:
    """The body of one of Stripe's events, which changes nothing in the books unless its type says so."""
    told = {"id": f"evt_{number}", "object": "event", "type": kind, "livemode": False, "created": 1_700_000_000}
    return json.dumps({**told, "data": {"object": {"id": f"thing_{number}"}}, **more}, indent=2)


def signed(body: str, at: int | None = None, secret: str = SECRET) -> dict[str, str]:
    """Stripe's headers over a body."""
    at = int(time.time()) if at is None else at
    proof = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={proof}", "Content-Type": "application/json"}


def stored(body: str, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """One of Stripe's events as a line of a file."""
    return {"provider": "stripe", "headers": signed(body) if headers is None else headers, "body": body, **more}
