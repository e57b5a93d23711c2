"""Which breaks are planted on which cards, and the words in which a plant is told; the plants themselves are beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle, islice

from tests.corpus.houses import House
from tests.corpus.lives import EARLIEST, LATEST
from tests.corpus.pen import Dice, Holder, Holding, Pen, Truth

_CROWDED = 3
"""Every so manieth planted card has several breaks, of different types."""


@dataclass(slots=True)
class Scene:
    """Where a break is planted: a plain card with its life written. `more`: holders beside this one."""

    house: House
    dice: Dice
    owner: Holder
    holding: Holding
    pen: Pen
    more: list[Holder] = field(default_factory=list)

    def at(self) -> datetime:
        return EARLIEST + (LATEST - EARLIEST) * self.dice.random()

    def told(self, type_: str, subject: str, *, info: bool = False) -> None:
        self.owner.truth.append(self.pen.told(type_, subject, info=info))

    def told_apart(self, type_: str, subject: str, card_id: str | None = None) -> None:
        """Of what is on no card of ours."""
        self.owner.truth.append(Truth(type_, subject, card_id))


@dataclass(frozen=True, slots=True)
class Plant:
    """One way in which a break of a type comes about. `alone`: nothing else can be told of that card then."""

    type: str
    grow: Callable[[Scene], None]
    fits: Callable[[House], bool]
    alone: bool = False


PLANTS: list[Plant] = []
"""Every plant; the modules beside fill it."""


def plant(
    type_: str, fits: Callable[[House], bool] = lambda _house: True, *, alone: bool = False
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Puts a function among the plants."""

    def add(grow: Callable[[Scene], None]) -> Callable[[Scene], None]:
        PLANTS.append(Plant(type_, grow, fits, alone))
        return grow

    return add


def plan(house: House, dice: Dice, breaks: int, cards: int, apart: int) -> dict[int, list[Plant]]:
    """By the number of its card, what is planted there: every plant of the house in turn. No two cards within `apart`, so that
    no holder has two."""
    from tests.corpus import plants_cards, plants_life, plants_money  # noqa: F401

    wanted = list(islice(cycle([each for each in PLANTS if each.fits(house)]), breaks))
    dice.shuffle(wanted)
    groups: list[list[Plant]] = []
    for each in wanted:
        last = groups[-1] if groups else []
        open_ = last and len(groups) % _CROWDED == 0 and len(last) < _CROWDED and not last[0].alone
        if open_ and not each.alone and each.type not in {one.type for one in last}:
            last.append(each)
        else:
            groups.append([each])
    places = dice.sample(range(0, cards, apart + 1), len(groups))
    return dict(zip(places, groups, strict=True))
