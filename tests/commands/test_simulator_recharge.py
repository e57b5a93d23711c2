"""`cardctl simulator recharge`: the wallet's balance before and after, its ledger, and what is no amount."""

from __future__ import annotations

import pytest

from tests.commands.runner import Cardctl
from tests.simulator.zendit.client import OPENING, Partner


def test_money_comes_and_the_balance_is_set(cardctl: Cardctl) -> None:
    cardctl("simulator", "status")
    with Partner(cardctl.simulator) as partner:
        assert partner.balance() == OPENING
        ran = cardctl("simulator", "recharge", "12.50", "-o", "json")
        (entry,) = partner.ledger()
        assert (ran.code, ran.data["ledger_ref"]) == (0, entry["transactionId"])
        assert ran.data["balance"]["minor"] == partner.balance() == OPENING + 1250
        ran = cardctl("simulator", "recharge", "0.00", "--set", "-o", "json")
        assert (ran.data["balance"]["minor"], partner.balance(), len(partner.ledger())) == (0, 0, 2)
        ran = cardctl("simulator", "recharge", "0", "--set", "-o", "json")
        assert (ran.data["ledger_ref"], len(partner.ledger())) == (None, 2)


@pytest.mark.parametrize("amount", ["0", "much", "1.005"])
def test_what_is_no_amount(cardctl: Cardctl, amount: str) -> None:
    ran = cardctl("simulator", "recharge", amount, "-o", "json")
    assert ran.code == 2
    with Partner(cardctl.simulator) as partner:
        assert (partner.balance(), partner.ledger()) == (OPENING, [])
