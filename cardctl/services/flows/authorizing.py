"""A provider's question about a purchase, answered: who asks, what the rules say, and a line in the log.

Nothing is stored first, since a merchant waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cardctl.db.unit import Books
from cardctl.domain.authorizations import Decision, Rules
from cardctl.domain.events import Incoming, Signature
from cardctl.domain.redaction import Secret
from cardctl.providers.notifying import Questions
from cardctl.services.deeds.deciding import decide_authorization


@dataclass(frozen=True, slots=True)
class Authorizer:
    """Answers one programme's questions by its profile's rules."""

    questions: Questions
    secrets: Sequence[Secret]
    books: Books
    programme: str
    rules: Rules
    clock: Callable[[], datetime]
    log: Callable[[str, str, dict[str, Any]], None]

    def answer(self, incoming: Incoming) -> Decision | None:
        """The decision; None where nothing proves that the provider asks. BadEvent where it asks nothing."""
        if self.questions.verify(incoming, self.secrets) is not Signature.VALID:
            return None
        asked = self.questions.asked(incoming.body)
        decision = decide_authorization(self.books, self.programme, asked, self.rules, self.clock())
        told = {
            "authorization": asked.ref,
            "card_ref": asked.card_ref,
            "approved": decision.approved,
            "reason": decision.reason,
        }
        self.log("card_lifecycle", "authorization_decided", {**told, "reason": decision.reason})
        return decision
