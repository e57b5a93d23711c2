"""Random bytes from the system, fetched by the handful: asking for a few at a time costs more than what is done with them."""

from __future__ import annotations

import os
import threading

_HANDFUL = 4096


class _Store(threading.local):
    """One thread's bytes, each of which is given once."""

    bytes = b""
    given = 0


_store = _Store()


def random_bytes(count: int) -> bytes:
    """As good as os.urandom's, for ids, nonces and keys: never given twice, in no thread and in no process."""
    if _store.given + count > len(_store.bytes):
        _store.bytes, _store.given = os.urandom(max(_HANDFUL, count)), 0
    _store.given += count
    return _store.bytes[_store.given - count : _store.given]


def _forget() -> None:
    _store.bytes, _store.given = b"", 0


if hasattr(os, "register_at_fork"):  # a child must not give what its parent gives; only the thread that forks lives on in it
    os.register_at_fork(after_in_child=_forget)
