"""Breaks of accounts, of cards as such, and of what a card can spend."""

from __future__ import annotations

from typing import Any

from cardctl.domain.comparing.sides import AccountSide, CardSide
from tests.corpus import making
from tests.corpus.houses import House, Keeping
from tests.corpus.pen import Holder, Truth, first_of
from tests.corpus.planting import Scene, plant

_LIMITS = "per_transaction", "daily", "weekly", "monthly"


def _both(scene: Scene) -> tuple[CardSide, CardSide]:
    here, there = scene.holding.here, scene.holding.there
    assert here is not None
    assert there is not None
    return here, there


def _own(house: House) -> bool:
    return house.keeping is Keeping.OWN


def _shared(house: House) -> bool:
    return house.keeping is Keeping.SHARED


def _allowance(house: House) -> bool:
    return house.keeping is Keeping.ALLOWANCE


@plant("account_missing_here")
def account_missing_here(scene: Scene) -> None:
    """Without cards: those of an account that is missing would be missing, too."""
    other = making.holder(scene.dice)
    assert other.there is not None
    scene.more.append(Holder(other.id, None, other.there))
    scene.told_apart("account_missing_here", other.there.ref)


@plant("account_missing_there")
def account_missing_there(scene: Scene) -> None:
    other = making.holder(scene.dice)
    assert other.here is not None
    scene.more.append(Holder(other.id, other.here._replace(state="active"), None))
    scene.told_apart("account_missing_there", other.here.ref)
    closed = making.holder(scene.dice)  # one that is closed here need not be there
    assert closed.here is not None
    scene.more.append(Holder(closed.id, closed.here._replace(state="closed"), None))


@plant("account_state")
def account_state(scene: Scene) -> None:
    assert scene.owner.there is not None
    others = [each for each in ("active", "suspended", "closed", "pending") if each != scene.owner.there.state]
    _change_account(scene, scene.owner.there._replace(state=scene.dice.choice(others)), "account_state")


@plant("account_kyc")
def account_kyc(scene: Scene) -> None:
    assert scene.owner.there is not None
    others = [each for each in ("verified", "pending", "none", "rejected") if each != scene.owner.there.kyc]
    _change_account(scene, scene.owner.there._replace(kyc=scene.dice.choice(others)), "account_kyc")


def _change_account(scene: Scene, there: AccountSide, type_: str) -> None:
    scene.owner.there = there
    scene.told_apart(type_, there.ref)


@plant("card_missing_here", alone=True)
def card_missing_here(scene: Scene) -> None:
    """With all its events, which are told with it. Closed or not: it was there."""
    _, there = _both(scene)
    scene.holding.here = None
    scene.holding.there = there._replace(state=scene.dice.choice(("active", "active", "frozen", "closed")))
    scene.holding.ours.clear()
    _forget(scene)
    scene.told_apart("card_missing_here", there.ref)


@plant("card_missing_there", alone=True)
def card_missing_there(scene: Scene) -> None:
    here, _ = _both(scene)
    scene.holding.here = here._replace(state=scene.dice.choice(("active", "frozen", "pending")))
    scene.holding.there = None
    scene.holding.theirs.clear()
    _forget(scene)
    scene.told("card_missing_there", here.ref)


def _forget(scene: Scene) -> None:
    """What its life tells (forced captures) is not told of a card that only one side has."""
    scene.owner.truth = [each for each in scene.owner.truth if each.card_id != scene.holding.id]


@plant("card_state")
def card_state(scene: Scene) -> None:
    here, there = _both(scene)
    ours, theirs = scene.dice.choice((("active", "frozen"), ("active", "closed"), ("frozen", "active"), ("pending", "active")))
    if theirs == "frozen" and _allowance(scene.house):
        theirs = "inactive"  # its word for it
    scene.holding.here, scene.holding.there = here._replace(state=ours), there._replace(state=theirs, word=theirs)
    scene.told("card_state", here.ref)


@plant("reopened_closed", alone=True)
def reopened_closed(scene: Scene) -> None:
    here, _ = _both(scene)
    scene.holding.here = here._replace(state=scene.dice.choice(("closed", "failed")))
    scene.told("reopened_closed", here.ref)


@plant("card_limits")
def card_limits(scene: Scene) -> None:
    """Changed, set, or taken away; of several it is one."""
    _, there = _both(scene)
    names = scene.dice.sample(_LIMITS, scene.dice.randint(1, 3))
    for name in names:
        limit = getattr(there, name)
        changed: dict[str, Any] = {name: None if limit and scene.dice.chance(40) else (limit or 0) + 1}
        there = there._replace(**changed)
    scene.holding.there = there
    scene.told("card_limits", there.ref)


@plant("card_currency", alone=True)
def card_currency(scene: Scene) -> None:
    """Nothing else of it can be compared, but its events can. It is no card of a shared balance: which one would it be?"""
    _, there = _both(scene)
    if _shared(scene.house):  # alone with its balance
        scene.owner.holdings.remove(scene.holding)
        other = making.holder(scene.dice)
        scene.more.append(other)
        other.holdings.append(scene.holding)
    scene.holding.there = there._replace(currency="GBP")
    scene.told("card_currency", there.ref)


@plant("card_details")
def card_details(scene: Scene) -> None:
    _, there = _both(scene)
    last4 = f"{(int(there.last4) + 1) % 10_000:04d}"
    renewed = there._replace(last4=last4, exp_year=there.exp_year + 3)
    others = there._replace(holder="Somebody Else"), renewed, there._replace(exp_month=there.exp_month % 12 + 1)
    scene.holding.there = scene.dice.choice(others)
    scene.told("card_details", there.ref)


@plant("unknown_word", alone=True)
def unknown_word(scene: Scene) -> None:
    _, there = _both(scene)
    scene.holding.there = there._replace(state="unknown", word="hotlisted")
    scene.told("unknown_word", there.ref)


@plant("balance", lambda house: not _shared(house))
def balance_there(scene: Scene) -> None:
    """Moved at the provider, or never noted here: little is enough. (What another plant moves on the card is never as much.)"""
    scene.holding.drift_there += scene.dice.choice((7, -7, 5_001, -70_000))
    scene.told("balance", _both(scene)[0].ref)


@plant("balance", lambda house: not _shared(house))
def balance_here(scene: Scene) -> None:
    """The books have counted something twice."""
    scene.holding.drift_here += scene.dice.choice((7, -7, 2_501, -2_501))
    scene.told("balance", _both(scene)[0].ref)


@plant("balance", _allowance)
def allowance_taken_away(scene: Scene) -> None:
    """Nothing limits the card there any more."""
    scene.holding.unlimited_there = True
    scene.told("balance", _both(scene)[0].ref)


@plant("balance", _shared)
def balance_shared(scene: Scene) -> None:
    """Told once, of the holder, and of the first of the cards that spend from it."""
    scene.holding.drift_there += scene.dice.choice((7, -7, 5_001, -70_000))
    here = _both(scene)[0]
    scene.owner.truth.append(Truth("balance", here.account_ref, first_of(here.currency)))
