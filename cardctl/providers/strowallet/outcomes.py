"""What became of a write: out of its answer and what is read after it, or, where the answer is missing, by looking alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import CardNews, RemoteCard
from cardctl.domain.operations import Draft
from cardctl.domain.transactions import TransactionKind, TransactionState
from cardctl.errors import CardctlError, ProviderHasNot, ProviderRefused, ReplyLost
from cardctl.providers.base import Remote, Sighting
from cardctl.providers.strowallet import drafting, enrolling, rows, translate, wire
from cardctl.providers.strowallet.reading import Reader

_LOOKS = (0.0, 1.0, 2.0, 3.0)
"""Seconds before each look at a card that was told to move: nothing says how soon the detail shows it."""
_KINDS = {"fund": TransactionKind.FUNDING, "withdraw": TransactionKind.WITHDRAWAL}


class Outcomes:
    """Tells of writes. Nothing of ours can be left at Strowallet, so what was asked for is looked for itself."""

    def __init__(self, reader: Reader, sleep: Callable[[float], None], *, nfc: bool) -> None:
        self._reader = reader
        self._sleep = sleep
        self._nfc = nfc

    def told(self, draft: Draft, answer: dict[str, Any]) -> Remote:
        """The object after a write that was answered with yes. One of reading.STRANGE where the answer is not understood."""
        endpoint = wire.endpoint_of(draft.path)
        if endpoint in wire.ACCOUNT_MAKING:
            return self._made_account(draft, answer)
        if endpoint in wire.CARD_MAKING:
            return translate.made_card(answer, account_ref=draft.before["account_ref"], holder=draft.before["holder"])
        if endpoint == wire.UPDATE_USER:
            return self._changed(draft)
        return self._moved(draft) if endpoint in wire.MOVING else self._moved_money(draft, answer)

    def seen(self, draft: Draft) -> Sighting:
        """A new card cannot be seen: there is no list of cards."""
        endpoint = wire.endpoint_of(draft.path)
        if endpoint in wire.ACCOUNT_MAKING:
            return self._seen_account(draft)
        if endpoint in wire.CARD_MAKING:
            return Sighting(None)
        if endpoint == wire.UPDATE_USER:
            return self._seen_change(draft)
        if endpoint in wire.MOVING:
            card = self._reader.card(draft.body["card_id"])
            return Sighting(card.state is drafting.state_wanted(draft), _news(card))
        return self._seen_money(draft)

    def _made_account(self, draft: Draft, answer: dict[str, Any]) -> RemoteAccount:
        """The answer tells no KYC: it is read once, and where that fails, it is pending until somebody reads it."""
        email, name = enrolling.email_of(draft.body), enrolling.name_of(draft.body)
        made = translate.account_from_wire(answer, nfc=self._nfc, email=email, name=name)
        with suppress(CardctlError):
            read = self._reader.account(made.ref)
            return replace(read, name=read.name or made.name, email=read.email or made.email)
        return made

    def _changed(self, draft: Draft) -> RemoteAccount:
        """The answer's shape is not known, and what it leaves out must not look like a change, so the customer is read."""
        try:
            return self._reader.account(draft.body["customerId"])
        except CardctlError as error:
            raise ReplyLost(f"strowallet took the change, and what it made of it cannot be read: {error.message}") from None

    def _moved(self, draft: Draft) -> CardNews:
        """The answer to a move tells no state, so the card is looked at until it shows what was asked for."""
        wanted, shown = drafting.state_wanted(draft), "nothing"
        for pause in _LOOKS:
            self._sleep(pause)
            with suppress(CardctlError):
                card = self._reader.card(draft.body["card_id"], urgent=draft.urgent)
                if card.state is wanted:
                    return _news(card)
                shown = card.word
        raise ReplyLost(f"strowallet said yes, but shows the card as {shown}")

    def _moved_money(self, draft: Draft, answer: dict[str, Any]) -> CardNews:
        news = translate.moved_money(answer, draft.body["card_id"])
        word = translate.movement_word(answer)
        if word not in translate.DONE | translate.FAILED:
            word = self._withdrawal_word(draft, news.reference) or word
        if word in translate.FAILED:
            raise ProviderRefused(f"strowallet took the order, and says that it came to nothing: {word}")
        return replace(news, settled=word in translate.DONE)

    def _seen_account(self, draft: Draft) -> Sighting:
        try:
            return Sighting(True, self._reader.account_by_email(enrolling.email_of(draft.body)))
        except ProviderHasNot:
            return Sighting(False)

    def _seen_change(self, draft: Draft) -> Sighting:
        """Whether the customer shows everything that was to be changed; UNCONFIRMED that all of it is told."""
        ref = draft.body["customerId"]
        customer, wanted = self._reader.customer(ref), {**draft.body}
        told = {name: wire.text_in(customer, name).lower() for name in wanted}
        if not all(told.values()):
            return Sighting(None)
        return Sighting(all(told[name] == str(wanted[name]).lower() for name in wanted), self._reader.account(ref))

    def _seen_money(self, draft: Draft) -> Sighting:
        """A row that was not there before, of that amount and direction; without one nobody can tell."""
        ref, amount = draft.body["card_id"], translate.money_of(draft.body["amount"])
        events, card = self._reader.recent(ref), self._reader.card(ref)
        row = rows.found_movement(events, draft.before["rows"], _KINDS[drafting.direction_of(draft)], amount)
        if row is None:
            return Sighting(None, _news(card))
        settled = row.state is TransactionState.SETTLED or self._withdrawal_word(draft, row.reference) in translate.DONE
        news = CardNews(ref=ref, raw=card.raw, balance=card.balance, settled=settled, reference=row.reference or row.ref)
        return Sighting(True, news)

    def _withdrawal_word(self, draft: Draft, reference: str | None) -> str:
        """How a withdrawal stands by its reference, where that can be read now; empty for everything else."""
        if reference and wire.endpoint_of(draft.path) == wire.WITHDRAW:
            with suppress(CardctlError):
                return self._reader.withdrawal_word(reference)
        return ""


def _news(card: RemoteCard) -> CardNews:
    return CardNews(ref=card.ref, raw=card.raw, state=card.state, word=card.word, balance=card.balance)
