"""Whether a purchase that the supplier asks about, before it makes it, is ours and due; answers, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cardctl.db.unit import Books
from cardctl.domain.esims import ENDED
from cardctl.domain.events import Incoming, Signature
from cardctl.domain.orders import OrderState
from cardctl.domain.redaction import Secret
from cardctl.providers.notifying import Webhooks

_DUE = (OrderState.BUYING, OrderState.ORDERED)


@dataclass(frozen=True, slots=True)
class Confirmer:
    """Answers one supplier. `asked_about` reads the name of the purchase from a body, None where it asks about none."""

    webhooks: Webhooks
    asked_about: Callable[[bytes], str | None]
    secrets: Mapping[str, Sequence[Secret]]
    books: Books
    supplier: str
    log: Callable[[str, str, dict[str, Any]], None]

    def recognises(self, incoming: Incoming) -> bool:
        """Whether the supplier itself asks, and an order of the books waits for that very purchase: it was decided on before
        its request was sent, so that no purchase of ours is asked about too early."""
        ref = self._ref(incoming)
        order = None
        if ref is not None:
            with self.books.read() as unit:
                order = unit.orders.by_purchases(self.supplier, [ref]).get(ref)
        known = order is not None and order.state in _DUE and order.purchase not in ENDED
        told = {"purchase": ref, "order": order.id if order else None, "recognised": known}
        self.log("security", "purchase_confirmed" if known else "purchase_not_recognised", told)
        return known

    def _ref(self, incoming: Incoming) -> str | None:
        if self.webhooks.verify(incoming, self.secrets) is not Signature.VALID:
            return None
        return self.asked_about(incoming.body)
