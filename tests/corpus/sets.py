"""A corpus: so many cards and transactions of three programmes, breaks planted in them, and the truth, all from one seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.corpus import making
from tests.corpus.houses import HOUSES, House
from tests.corpus.living import live
from tests.corpus.pen import Dice, Holder, Pen, Truth
from tests.corpus.planting import Plant, Scene, plan

WHOLE = 101_000, 512_000, 2_400
"""Cards, transactions and breaks of a whole corpus."""
_MOST_CARDS = 5
"""Of one holder."""
_NO_PLANTS: Mapping[int, Sequence[Plant]] = {}


@dataclass(frozen=True, slots=True)
class Corpus:
    """`cards` and `transactions` (of the provider's side, about) in all, and at least so many `breaks`."""

    seed: int
    cards: int = WHOLE[0]
    transactions: int = WHOLE[1]
    breaks: int = WHOLE[2]
    houses: tuple[House, ...] = HOUSES

    def holders(self, house: House) -> Iterator[Holder]:
        """One programme's holders, each finished, with the truth about it; the same for the same seed."""
        dice, total = Dice(f"{self.seed} {house.provider}"), sum(each.share for each in self.houses)
        cards = self.cards * house.share // total
        plants = plan(house, dice, -(-self.breaks * house.share // total), cards, _MOST_CARDS)
        yield from _holders(house, dice, cards, self.transactions / max(self.cards, 1), plants)


def _holders(house: House, dice: Dice, cards: int, mean: float, plants: Mapping[int, Sequence[Plant]]) -> Iterator[Holder]:
    number, owed = 0, 0.0
    while number < cards:
        owner = making.holder(dice)
        currency = dice.choice(house.currencies)
        more: list[Holder] = []
        for _ in range(min(dice.randint(1, _MOST_CARDS), cards - number)):
            currency = dice.choice(house.currencies) if dice.chance(10) else currency
            here = plants.get(number, ())
            holding = making.card(house, dice, owner, currency, plain=bool(here))
            owner.holdings.append(holding)
            pen, owed = Pen(house, dice, holding), owed + mean
            wanted = round(owed * 2 * dice.random())
            while len(holding.theirs) < wanted:
                owner.truth += _lived(pen)
            owed -= len(holding.theirs)
            if holding.there is None:
                holding.ours.clear()
                holding.theirs.clear()
            scene = Scene(house, dice, owner, holding, pen, more)
            for plant in here:
                plant.grow(scene)
            number += 1
        yield from _finished(house, owner, *more)


def _lived(pen: Pen) -> list[Truth]:
    """A life; on a card that the provider does not list, nobody tells anything of it."""
    told = live(pen)
    return told if pen.holding.there is not None else []


def _finished(house: House, *owners: Holder) -> Iterator[Holder]:
    for owner in owners:
        making.finish(house, owner)
        yield owner
