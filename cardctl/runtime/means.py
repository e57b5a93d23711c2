"""The clock and the making of ids: what nobody else in the house may do by himself."""

from __future__ import annotations

import time
from base64 import b32encode
from datetime import UTC, datetime

from cardctl.entropy import random_bytes

_ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghjkmnpqrstvwxyz")
_ID_LENGTH = 20


def now() -> datetime:
    """This moment, aware, UTC."""
    return datetime.now(UTC)


def pause(seconds: float) -> None:
    time.sleep(seconds)


def new_id(prefix: str) -> str:
    """A new random id, such as `card_7f…`: 100 bits, letters that are not mistaken for one another."""
    return f"{prefix}_" + b32encode(random_bytes(15)).translate(_ALPHABET)[:_ID_LENGTH].decode()
