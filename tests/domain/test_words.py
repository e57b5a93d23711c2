"""The small words: accounts' balances, masked numbers, what is open, what is ours, a step's target."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from cardctl.domain.accounts import NewAccount
from cardctl.domain.cards import NO_LIMITS
from cardctl.domain.money import Money
from cardctl.domain.operations import OPEN, OperationState
from cardctl.domain.programme import Action, DeclaredAccount, DeclaredCard, Step
from cardctl.domain.transactions import OURS, TransactionKind
from tests.db.builders import account, card, usd


def test_an_account_has_one_balance_or_none() -> None:
    assert account(balances=()).balance is None
    assert account(balances=(usd(5),)).balance == usd(5)
    both = account(balances=(Money(5, "EUR"), usd(5)))
    assert both.balance is None, "two currencies never net"
    assert len(both.balances) == 2


def test_a_card_shows_four_digits() -> None:
    assert card(last4="4242").masked == "**** **** **** 4242"


def test_domain_objects_are_frozen() -> None:
    one = card()
    with pytest.raises(FrozenInstanceError):
        one.last4 = "0000"  # type: ignore[misc]
    assert replace(one, last4="0000") != one
    assert hash(one) == hash(card())


def test_open_operations_are_those_that_nobody_knows_the_end_of() -> None:
    assert set(OperationState) - OPEN == {OperationState.DONE, OperationState.REFUSED}


def test_our_own_money_events() -> None:
    assert set(OURS) == {TransactionKind.FUNDING, TransactionKind.WITHDRAWAL}


def test_a_step_names_its_target_in_the_files_own_words() -> None:
    wanted = DeclaredCard("travel", "USD", "virtual", None, NO_LIMITS, "active")
    declared = DeclaredAccount(NewAccount("Ada", "emp-0042"), (wanted,))
    assert Step(Action.CREATE_ACCOUNT, declared).target == "emp-0042"
    assert Step(Action.ISSUE_CARD, declared, wanted).target == "emp-0042/travel"
