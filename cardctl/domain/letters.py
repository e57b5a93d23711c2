"""Letters to customers: an eSIM that is ready, or money that goes back. How they are worded and sent, output/mail.py knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret

_LPA = "LPA:"
_NOWHERE = "cardctl.invalid"


class LetterKind(StrEnum):
    DELIVERY = "delivery"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one customer. `message_id` is `message_id_of` it; `order_id` the number that the customer reads; `title` what
    was bought.

    A DELIVERY has the text of the QR code (`activation`), or its picture (`qr_png`, the supplier's own PNG), or both;
    `instructions` are the supplier's. A REFUND has the `amount` that goes back, and why: `reason` in words, or `twice`, the
    order was paid already. What would let anybody install the eSIM is in no repr.
    """

    kind: LetterKind
    to: str
    message_id: str
    order_id: str
    title: str
    name: str | None = None
    activation: Secret | None = None
    qr_png: bytes | None = field(default=None, repr=False)
    iccid: str | None = None
    instructions: str | None = field(default=None, repr=False)
    amount: Money | None = None
    reason: str | None = None
    twice: bool = False


@dataclass(frozen=True, slots=True)
class Manual:
    """What a customer types who cannot scan. `address` and `code` None: the text is no `LPA:1$address$code`, and is typed as it
    is. `confirmed`: the operator asks for a confirmation code too, which it gives to the customer itself."""

    address: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    confirmed: bool = False


def message_id_of(order_id: str, kind: LetterKind, domain: str) -> str:
    """The name of a letter, the same each time it is sent: whoever gets it twice has got one mail. `domain` is the sender's."""
    return f"<{order_id}.{kind.value}@{domain}>"


def domain_of(sender: str) -> str:
    """The domain of whom mails come from, `Acme <esim@example.com>` or the address alone, as it stands in the DNS."""
    domain = sender.rpartition("@")[2].strip().rstrip(">").strip().lower()
    try:
        return domain.encode("idna").decode("ascii") or _NOWHERE
    except UnicodeError:
        return _NOWHERE


def manual(activation: Secret) -> Manual:
    """The parts of the text of a QR code. Source: GSMA SGP.22 §4.1, `LPA:1$<SM-DP+ address>$<matching id>[$<oid>[$1]]`."""
    text = activation.reveal().strip()
    if not text.upper().startswith(_LPA):
        return Manual()
    version, *parts = text[len(_LPA) :].split("$")
    if version != "1" or len(parts) < 2 or not parts[0]:
        return Manual()
    return Manual(parts[0], parts[1] or None, confirmed=parts[3:4] == ["1"])
