"""The states of a card: every state against every verb, as the product's table says."""

from __future__ import annotations

import itertools

import pytest

from cardctl.domain.states import (
    FINAL,
    FUND_FROM,
    WITHDRAW_FROM,
    CardState,
    Move,
    allowed,
    already,
    check_money,
    check_move,
    settle,
)
from cardctl.errors import ExitCode, StateForbids

S = CardState
ALLOWED = {  # the product's table: what commands may move, and what the state has to become
    (S.PENDING, Move.ACTIVATE): S.ACTIVE,
    (S.INACTIVE, Move.ACTIVATE): S.ACTIVE,
    (S.SUSPENDED, Move.ACTIVATE): S.ACTIVE,
    (S.SUSPENDED, Move.UNFREEZE): S.ACTIVE,
    (S.ACTIVE, Move.FREEZE): S.FROZEN,
    (S.FROZEN, Move.UNFREEZE): S.ACTIVE,
    (S.PENDING, Move.CLOSE): S.CLOSED,
    (S.INACTIVE, Move.CLOSE): S.CLOSED,
    (S.ACTIVE, Move.CLOSE): S.CLOSED,
    (S.FROZEN, Move.CLOSE): S.CLOSED,
    (S.SUSPENDED, Move.CLOSE): S.CLOSED,
}
THERE = {
    (S.ACTIVE, Move.ACTIVATE),
    (S.ACTIVE, Move.UNFREEZE),
    (S.FROZEN, Move.FREEZE),
    (S.CLOSED, Move.CLOSE),
}


@pytest.mark.parametrize(("state", "move"), list(itertools.product(CardState, Move)))
def test_every_move_from_every_state(state: CardState, move: Move) -> None:
    assert already(move, state) is ((state, move) in THERE)
    if (state, move) in ALLOWED:
        check_move(move, state)
        assert str(move) in allowed(state)
        return
    with pytest.raises(StateForbids) as caught:
        check_move(move, state)
    assert caught.value.exit_code is ExitCode.REFUSED
    assert f"that is {state} " in caught.value.message
    assert allowed(state) in (caught.value.hint or "")
    assert str(move) not in allowed(state).split(", ")


@pytest.mark.parametrize("state", CardState)
def test_money_moves_only_where_it_may(state: CardState) -> None:
    for verb, states, may in (
        ("fund", FUND_FROM, state is S.ACTIVE),
        ("withdraw", WITHDRAW_FROM, state in (S.ACTIVE, S.FROZEN)),
    ):
        assert (verb in allowed(state).split(", ")) is may
        if may:
            check_money(verb, state, states)
        else:
            with pytest.raises(StateForbids, match=f"cannot {verb} a card that is {state}"):
                check_money(verb, state, states)


def test_only_final_states_are_called_final() -> None:
    assert {state for state in CardState if "final" in allowed(state)} == FINAL == {S.CLOSED, S.FAILED}


@pytest.mark.parametrize("state", CardState)
def test_inactive_after_it_was_active_is_frozen(state: CardState) -> None:
    assert settle(state, ever_active=False) is state
    assert settle(state, ever_active=True) is (S.FROZEN if state is S.INACTIVE else state)
