"""Requests for an authorization: a question that is answered in time; the rules by which are the services' matter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import MappingProxyType

from cardctl.domain.events import Incoming

DEADLINE = 1.5
"""Seconds. Stripe waits for 2, and then decides by itself."""
_THREADS = 8
_MOST = 64
"""Questions at a time; one more is answered with the default at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question is answered with, 200: `approved` and whatever else stands in the JSON; `headers` beside it."""

    approved: bool
    more: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def body(self) -> bytes:
        return json.dumps({"approved": self.approved, **self.more}).encode()


@dataclass(frozen=True, slots=True)
class Rules:
    """`decide` gives the answer, or None where nothing proves who asks; in a thread of its own. `default` is answered where it
    fails, or is not done by the deadline."""

    decide: Callable[[Incoming], Answer | None]
    default: Answer
    deadline: float = DEADLINE


class Decider:
    """Asks the rules; `warn` is told where the default was answered."""

    def __init__(self, rules: Rules, warn: Callable[[str], None]) -> None:
        self._rules = rules
        self._warn = warn
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="deciding")
        self._asked = 0

    async def answer(self, incoming: Incoming) -> Answer | None:
        """Within the deadline, from the moment of this call."""
        if self._asked >= _MOST:
            return self._default("too many questions at a time")
        self._asked += 1
        task = asyncio.get_running_loop().run_in_executor(self._pool, self._rules.decide, incoming)
        task.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(task), self._rules.deadline)
        except TimeoutError:
            return self._default("the rules were too slow")
        except Exception as error:  # whatever the rules do, the question is answered
            return self._default(f"the rules failed: {type(error).__name__}")

    def stop(self, _patience: float) -> None:
        """Nobody waits for what is still being decided."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _default(self, why: str) -> Answer:
        self._warn(f"an authorization was answered with the default (approved: {self._rules.default.approved}): {why}")
        return self._rules.default

    def _done(self, task: asyncio.Future[Answer | None]) -> None:
        self._asked -= 1
        if not task.cancelled():
            task.exception()  # it was told, or nobody waits for it any more
