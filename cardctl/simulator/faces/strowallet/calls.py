"""What every endpoint shares: the call that it serves, its hosts, and the tables of parameters that several take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.strowallet.errors import READS, Manner
from cardctl.simulator.faces.strowallet.parameters import Field, amount, one_of, text
from cardctl.simulator.rows import Record

STROWALLET, ZIIROPAY = "strowallet.com", "ziiropay.com"

CARD = {"card_id": Field(text)}
CARD_AND_AMOUNT = {**CARD, "amount": Field(amount)}
MODE = {"mode": Field(one_of("sandbox", "live"), required=False)}
"""Where it is documented. All that is here is test data, so it makes no other difference. Elsewhere it is ignored."""
NO_MODE = {"mode": Field(one_of(), required=False)}
"""CONFIRMED for NFC: `errors.mode = ["The selected mode is invalid."]`."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that passed the parameter table, in the world that its host and product give it."""

    desk: Desk
    world: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`name` is the path under /api/, without a slash at its end; `{name}` as its last part is a parameter.

    `answer` makes the JSON of a 200. `keyed`: asks for a public_key.
    """

    method: str
    name: str
    takes: Mapping[str, Field]
    answer: Callable[[Call], Record]
    manner: Manner = READS
    writes: bool = False
    sites: tuple[str, ...] = (STROWALLET,)
    nfc: bool = False
    keyed: bool = True
