"""The supplier's wallet as the chain sees it: one reading of it for many orders."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from cardctl.services.desk import Desk
from cardctl.services.wallets import Reading, read_wallet

FRESH_SECONDS = 10
"""How old a reading may be that says that there is enough; that there is not, only one that was made for the order says."""


@dataclass(slots=True)
class Wallet:
    """One reading for many orders: while there is enough, nobody asks again for some seconds."""

    desk: Desk
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _last: Reading | None = None

    def reading(self) -> Reading:
        """A reading of the last seconds."""
        with self._turn:
            last = self._last
            if last is not None and 0 <= (self.desk.clock() - last.at).total_seconds() < FRESH_SECONDS:
                return last
            return self._read()

    def read_again(self, older_than: Reading) -> Reading:
        """A reading that was made after that one; many who ask at once share it."""
        with self._turn:
            if self._last is not None and self._last is not older_than and self._last.at > older_than.at:
                return self._last
            return self._read()

    def _read(self) -> Reading:
        self._last = read_wallet(self.desk)
        return self._last
