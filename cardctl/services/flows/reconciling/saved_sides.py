"""A provider's word about saved cards, payments and refunds, as it is compared: of a card's name a keyed hash is kept alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cardctl.db.columns import moment_or_none, moment_to_text
from cardctl.db.stage import Stage
from cardctl.db.unit import Unit
from cardctl.domain.comparing.sides import PaymentSide, RefundSide, SavedCardSide
from cardctl.domain.payments import RemotePayment, RemoteRefund
from cardctl.domain.saved_cards import RemoteSavedCard, standing_of, word_of
from cardctl.errors import BooksLocked
from cardctl.providers.paging import Leaf

Digest = Callable[[str], str]


def hasher_of(unit: Unit, stage: Stage) -> Digest:
    """What hashes the names of cards in that stage. BooksLocked where the key was changed since it was begun: both sides are
    compared under one; the next run begins anew."""
    key = stage.fact("key")
    if key is None:
        return _no_cards
    if key != unit.comparable_saved.key:
        raise BooksLocked("the encryption key was changed while this run was under way", hint="run it again")
    return unit.comparable_saved.hasher()


def _no_cards(_ref: str) -> str:
    raise AssertionError("a provider that keeps no cards gave one")


def saved_in(leaf: Leaf) -> int:
    """How many objects there are."""
    return len(leaf.saved_cards) + len(leaf.payments) + len(leaf.refunds)


def saved_sides(leaf: Leaf, since: str | None, digest: Digest) -> dict[str, Any]:
    """What was read at a spot, by table; nothing that was made before `since`. A refund of no payment is none of ours."""
    payments = (payment_side(each, digest) for each in leaf.payments)
    refunds = (refund_side(each) for each in leaf.refunds if each.payment_ref is not None)
    return {
        "saved_cards": (saved_card_side(each, digest) for each in leaf.saved_cards),
        "payments": (row for row in payments if since is None or row.created_at >= since),
        "refunds": (row for row in refunds if since is None or row.created_at >= since),
    }


def saved_card_side(remote: RemoteSavedCard, digest: Digest) -> SavedCardSide:
    """Whether its last month is over is judged when it is compared."""
    details = remote.brand, remote.last4, remote.exp_month, remote.exp_year
    return SavedCardSide(digest(remote.ref), str(standing_of(remote)), *details, word_of(remote))


def payment_side(remote: RemotePayment, digest: Digest) -> PaymentSide:
    return PaymentSide(
        remote.ref,
        str(remote.state),
        remote.amount.minor,
        remote.tip.minor,
        remote.captured.minor,
        remote.refunded.minor,
        remote.amount.currency,
        moment_or_none(remote.expires_at),
        remote.then_capture,
        None if remote.card_ref is None else digest(remote.card_ref),
        remote.mark,
        moment_to_text(remote.created_at),
        moment_to_text(remote.updated_at),
        remote.word,
    )


def refund_side(remote: RemoteRefund) -> RefundSide:
    return RefundSide(
        remote.ref,
        str(remote.state),
        remote.amount.minor,
        remote.amount.currency,
        remote.mark,
        moment_to_text(remote.created_at),
        moment_to_text(remote.updated_at),
        remote.word,
        remote.payment_ref or "",
    )
