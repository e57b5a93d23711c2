"""What somebody sends who is not the provider: a genuine request with another amount, or one with a stranger's proof."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from cardctl.simulator.outbox import Notice, Posting
from cardctl.simulator.telling import teller
from cardctl.simulator.webhook_secrets import MADE

_AMOUNT = re.compile(rb'("[a-z_]*amount"\s*:\s*"?-?)(\d)')


def forged(face: str, notices: Sequence[Notice], genuine: Posting, at: int, seed: int) -> Posting:
    """A forgery of `genuine`, which no receiver may believe; the same for the same seed, but for the stranger's secret.

    Where nothing but a secret proves a request, whoever knows it may change what they like: only a wrong one is a forgery.
    """
    changed = _AMOUNT.sub(_another_digit, genuine.body, count=1)
    signed = any("signature" in name.lower() for name in genuine.headers)
    if signed and changed != genuine.body and random.Random(seed).random() < 0.5:  # noqa: S311 - to be made again
        return Posting(genuine.headers, changed, genuine.query)
    strange = {name: [make()] for name, make in MADE.items()} | {"strowallet.signed": ["1"] if signed else []}
    return teller(face).posted(notices, strange, at)


def _another_digit(found: re.Match[bytes]) -> bytes:
    return found[1] + (b"7" if found[2] == b"1" else b"1")
