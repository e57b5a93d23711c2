"""Card states and the allowed moves, as one table; who may move what, and what a provider's word means for us."""

from __future__ import annotations

from enum import StrEnum

from cardctl.errors import StateForbids


class CardState(StrEnum):
    """What a card is. `closed` and `failed` are final; `unknown` is any word of a provider that no table lists."""

    PENDING = "pending"
    ACTIVE = "active"
    INACTIVE = "inactive"
    FROZEN = "frozen"
    SUSPENDED = "suspended"
    CLOSED = "closed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Move(StrEnum):
    """What a command may ask of a card's state."""

    ACTIVATE = "activate"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    CLOSE = "close"


_S = CardState
MOVES: dict[Move, tuple[frozenset[CardState], CardState]] = {  # move: from which states, to which
    Move.ACTIVATE: (frozenset({_S.PENDING, _S.INACTIVE, _S.SUSPENDED}), _S.ACTIVE),
    Move.FREEZE: (frozenset({_S.ACTIVE}), _S.FROZEN),
    Move.UNFREEZE: (frozenset({_S.FROZEN, _S.SUSPENDED}), _S.ACTIVE),
    Move.CLOSE: (frozenset({_S.PENDING, _S.INACTIVE, _S.ACTIVE, _S.FROZEN, _S.SUSPENDED}), _S.CLOSED),
}
FINAL = frozenset({_S.CLOSED, _S.FAILED})
FUND_FROM = frozenset({_S.ACTIVE})
WITHDRAW_FROM = frozenset({_S.ACTIVE, _S.FROZEN})


def already(move: Move, state: CardState) -> bool:
    """True where the card is already what `move` would make it: nothing is sent then."""
    return MOVES[move][1] is state


def check_move(move: Move, state: CardState) -> None:
    """StateForbids, naming the state and what is allowed, where commands may not make `move`."""
    if state not in MOVES[move][0]:
        raise StateForbids(f"a card that is {state} cannot {move}", hint=f"allowed now: {allowed(state)}")


def check_money(verb: str, state: CardState, states: frozenset[CardState]) -> None:
    """StateForbids unless money may move: `fund` while active, `withdraw` while active or frozen."""
    if state not in states:
        wanted = " or ".join(sorted(states))
        raise StateForbids(f"cannot {verb} a card that is {state}: it must be {wanted}", hint=f"allowed now: {allowed(state)}")


def allowed(state: CardState) -> str:
    """The verbs that commands may use from `state`, for an error's hint."""
    verbs = [str(move) for move, (sources, _) in MOVES.items() if state in sources]
    verbs += ["fund"] if state in FUND_FROM else []
    verbs += ["withdraw"] if state in WITHDRAW_FROM else []
    return ", ".join(verbs) or (
        "nothing, the state is final" if state in FINAL else "nothing, until a sync brings a known state"
    )


def settle(reported: CardState, *, ever_active: bool) -> CardState:
    """What a provider's word means for a card we know: Stripe says inactive for both never activated and frozen."""
    return CardState.FROZEN if reported is CardState.INACTIVE and ever_active else reported
