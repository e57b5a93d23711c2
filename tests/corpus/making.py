"""Clean holders with their cards, each as both sides have it, and what their cards can spend once all is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from cardctl.db.columns import moment_to_text
from cardctl.domain.comparing.cards import FINAL
from cardctl.domain.comparing.sides import AccountSide, CardSide, MoneySide
from cardctl.domain.transactions import OURS
from tests.corpus.houses import BEGUN, NOW, House, Keeping
from tests.corpus.pen import DAY, Dice, Holder, Holding, first_of

_HOLDERS = "Jenny Rosen", "Zoë Østergård", "山田 太郎", "Maximilian von und zu Hohenzollern-Beispiel", "Ana Pérez"
_MADE = moment_to_text(NOW - 200 * DAY)
_NEW = moment_to_text(BEGUN + timedelta(minutes=1))
_FROZEN = moment_to_text(NOW - 20 * DAY)
_STATES = ("active", "frozen", "closed", "inactive", "pending"), (880, 40, 60, 10, 10)
_WORDS = {"frozen": "inactive", "inactive": "inactive", "closed": "canceled"}


def holder(dice: Dice) -> Holder:
    """An account without cards."""
    id_, ref = dice.hex("account"), dice.hex("ich", 24)
    state = dice.choices(("active", "suspended", "closed"), (96, 2, 2))[0]
    kyc = dice.choices(("verified", "pending", "none", "rejected"), (90, 5, 4, 1))[0]
    return Holder(id_, AccountSide(ref, state, kyc, id_, _MADE), AccountSide(ref, state, kyc))


def card(house: House, dice: Dice, owner: Holder, currency: str, *, plain: bool = False) -> Holding:
    """A card without events; a `plain` one is active, known to both sides, and has whatever its house can limit it by."""
    state = "active" if plain else dice.choices(*_STATES)[0]
    if house.keeping is not Keeping.ALLOWANCE and state == "inactive":
        state = "pending"
    unlimited = house.keeping is Keeping.ALLOWANCE and not plain and dice.chance(15)
    funds = None if unlimited else dice.randint(100_000, 90_000_000)
    here = _side(dice, owner, currency, state)
    there = here._replace(
        id="", updated_at="", created_at="", word=_WORDS.get(state, state), shared=house.keeping is Keeping.SHARED
    )
    holding = Holding(here.id, here, there, funds)
    if state == "frozen":
        holding.frozen_at = _FROZEN
        if house.keeping is Keeping.ALLOWANCE:
            holding.there = there._replace(state="inactive", ever_active=dice.chance(30))
    if not plain:
        _vary(house, dice, holding)
    return holding


def _side(dice: Dice, owner: Holder, currency: str, state: str) -> CardSide:
    assert owner.here is not None
    transaction, day, week, month = (None if dice.chance(50) else dice.randint(1, 50) * 10_000 for _ in range(4))
    ref, id_, name = dice.hex("ic", 24), dice.hex("card"), dice.choice(_HOLDERS)
    last4, exp_month, exp_year = f"{dice.randrange(10_000):04d}", dice.randint(1, 12), dice.randint(2027, 2031)
    once = state not in ("inactive", "pending")
    limits = transaction, day, week, month
    known = ref, owner.here.ref, state, currency, last4, exp_month, exp_year, name
    return CardSide(*known, *limits, None, None, False, once, "", id_, _MADE, _MADE)


def _vary(house: House, dice: Dice, holding: Holding) -> None:
    """What is normal, and looks like a difference."""
    assert holding.here is not None
    assert holding.there is not None
    if house.keeping is Keeping.OWN and dice.chance(10):  # an answer that leaves it out
        holding.there = holding.there._replace(last4="", exp_month=0, exp_year=0, holder="")
    if holding.here.state == "closed" and dice.chance(30):  # nothing of it counts any more
        holding.there = holding.there._replace(daily=12_345, holder="")
        holding.drift_here = dice.randint(1, 9_999)
    if holding.here.state == "closed" and dice.chance(10):
        holding.there = None
    elif dice.chance(1) and dice.chance(20):  # made after the list was read
        holding.here, holding.there = holding.here._replace(created_at=_NEW), None


def finish(house: House, owner: Holder) -> None:
    """Give every card what it can spend, of what was put on it and what its events came to, on each side."""
    if house.keeping is Keeping.SHARED:
        _share(owner)
        return
    for each in owner.holdings:
        ours, theirs = each.funds, each.funds
        if ours is not None and theirs is not None:
            ours += _spent(each.ours) + each.drift_here
            theirs += each.drift_there + (_spent(each.theirs) if house.keeping is Keeping.OWN else 0)
        if house.keeping is Keeping.ALLOWANCE:
            theirs = None if each.unlimited_there else theirs
            _set(each, allowance=each.funds, balance=ours, there_allowance=theirs, there_balance=None)
        else:
            _set(each, allowance=None, balance=ours, there_allowance=None, there_balance=theirs)


def _share(owner: Holder) -> None:
    """One balance of all cards of one currency; that of a card that is closed is as it was when it was closed."""
    for currency in {_currency(each) for each in owner.holdings}:
        cards = [each for each in owner.holdings if _currency(each) == currency]
        funds = sum(each.funds or 0 for each in cards)
        ours = funds + sum(_spent(each.ours) for each in cards)
        theirs = funds + sum(_spent(each.ours if each.there is None else each.theirs) + each.drift_there for each in cards)
        for each in cards:
            _set(each, allowance=None, balance=ours + each.drift_here, there_allowance=None, there_balance=theirs)
        living = [(each.here.ref, each.id) for each in cards if each.here and each.there and each.here.state not in FINAL]
        first, mark = min(living, default=("", ""))[1], first_of(currency)
        owner.truth = [told._replace(card_id=first) if told.card_id == mark else told for told in owner.truth]


def _set(
    each: Holding, *, allowance: int | None, balance: int | None, there_allowance: int | None, there_balance: int | None
) -> None:
    if each.here is not None:
        each.here = each.here._replace(allowance=allowance, balance=balance)
    if each.there is not None:
        each.there = each.there._replace(allowance=there_allowance, balance=there_balance)


def _currency(each: Holding) -> str:
    side = each.there or each.here
    assert side is not None
    return side.currency


def _spent(rows: Sequence[MoneySide]) -> int:
    return sum(row.impact for row in rows if row.kind not in OURS)
