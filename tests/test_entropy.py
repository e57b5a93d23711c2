"""Random bytes are never given twice: not in a thread, not in another one, not in a child process."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from cardctl.entropy import random_bytes


def test_as_many_as_were_asked_for() -> None:
    assert [len(random_bytes(count)) for count in (0, 1, 12, 15, 4096, 5000)] == [0, 1, 12, 15, 4096, 5000]


def test_threads_share_none() -> None:
    with ThreadPoolExecutor(8) as pool:
        given = [piece for some in pool.map(lambda _: [random_bytes(12) for _ in range(2_000)], range(8)) for piece in some]
    assert len(set(given)) == 16_000


def test_a_child_shares_none_with_its_parent() -> None:
    random_bytes(12)  # so that there are some at hand when it forks
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"".join(random_bytes(12) for _ in range(100)))
        os._exit(0)
    os.close(writing)
    told = b""
    while part := os.read(reading, 4096):
        told += part
    os.waitpid(child, 0)
    os.close(reading)
    theirs = {told[start : start + 12] for start in range(0, 1200, 12)}
    assert len(theirs) == 100
    assert not theirs & {random_bytes(12) for _ in range(100)}
