"""`provision --file`: what is wrong in a file is named; a plan is exact and changes nothing; applied, nothing is left to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cardctl.config.programme import read_programme
from cardctl.domain.accounts import AccountChange, AccountState
from cardctl.domain.cards import Limits
from cardctl.domain.programme import Action, DeclaredAccount
from cardctl.domain.states import CardState, Move
from cardctl.errors import BadFile, BadInput, CardUnlimited, ExitCode, OutcomeUnknown
from cardctl.services.deeds.controls import change_account, move_card
from cardctl.services.deeds.funding import set_limits, withdraw
from cardctl.services.deeds.pulling import sync_account, sync_card
from cardctl.services.flows.declaring import Applied, apply, plan
from cardctl.services.flows.replacing import replace_card
from tests.services.world import World, usd

ACCOUNT = '[[accounts]]\nexternal_id = "emp-1"\nname = "Ada Lovelace"\nemail = "ada@example.com"\n'
TRAVEL = '[[accounts.cards]]\nkey = "travel"\nfund_to = "250.00"\nlimits = { per_transaction = "100", daily = "200" }\n'


def declared(tmp_path: Path, text: str) -> tuple[DeclaredAccount, ...]:
    file = tmp_path / "programme.toml"
    file.write_text(text, "utf-8")
    return read_programme(file)


def steps(world: World, wanted: tuple[DeclaredAccount, ...]) -> list[tuple[str, str, str | None]]:
    """The plan; asking for it changes nothing on either side."""
    before = world.audit(), world.operations(), world.control.status()["objects"]
    planned = plan(world.desk, wanted)
    assert (world.audit(), world.operations(), world.control.status()["objects"]) == before
    return [(str(step.action), step.target, step.amount.amount if step.amount else None) for step in planned]


def applied(world: World, wanted: tuple[DeclaredAccount, ...]) -> Applied:
    """Everything that was planned is done, and then nothing is left to do."""
    planned = plan(world.desk, wanted)
    counted: list[int] = []
    done = apply(world.desk, wanted, counted.append)
    assert done.failed == ()
    assert [step.target for step in done.done] == [step.target for step in planned]
    assert sum(counted) == len(planned)
    assert plan(world.desk, wanted) == []
    entries = world.audit()
    assert apply(world.desk, wanted, counted.append).done == ()
    assert world.audit() == entries
    return done


def test_from_nothing_to_all_as_declared(each_world: World, tmp_path: Path) -> None:
    world = each_world
    text = (
        ACCOUNT
        + 'address = { line1 = "1 Main St", city = "Oakland", state = "CA", postal_code = "94612", country = "US" }\n'
        + TRAVEL
        + '[[accounts.cards]]\nkey = "iced"\nstate = "frozen"\nfund_to = "5"\n'
        + '[[accounts.cards]]\nkey = "sleeping"\nstate = "inactive"\n'
        + '[[accounts.cards]]\nkey = "never"\nstate = "closed"\n'
        + '[[accounts]]\nexternal_id = "emp-2"\nname = "Grace Hopper"\n'
    )
    wanted = declared(tmp_path, text)
    assert steps(world, wanted) == [
        ("create account", "emp-1", None),
        ("issue card", "emp-1/travel", "250.00"),
        ("issue card", "emp-1/iced", "5.00"),
        ("freeze card", "emp-1/iced", None),
        ("issue card", "emp-1/sleeping", None),
        ("create account", "emp-2", None),
    ]
    done = applied(world, wanted)
    assert [account.external_id for account in done.accounts] == ["emp-1", "emp-2"]
    travel, iced, sleeping = done.cards
    assert (travel.balance, travel.limits, travel.state) == (
        usd("250"),
        Limits(per_transaction=usd("100"), daily=usd("200")),
        CardState.ACTIVE,
    )
    assert (iced.balance, iced.state, sleeping.balance, sleeping.state) == (
        usd("5"),
        CardState.FROZEN,
        None,
        CardState.INACTIVE,
    )
    assert world.far_limit(travel) == 25000
    assert world.far(travel)["cardholder"]["billing"]["address"]["city"] == "Oakland"


def test_drift_is_put_right_and_money_is_never_taken_away(world: World, tmp_path: Path) -> None:
    wanted = declared(tmp_path, ACCOUNT + TRAVEL)
    (card,) = applied(world, wanted).cards
    world.control.swipe(card.ref, usd("40"))
    sync_card(world.desk, card)
    set_limits(world.desk, world.card(card), {"daily": 1, "monthly": 2, "per_transaction": None})
    move_card(world.desk, world.card(card), Move.FREEZE)
    assert steps(world, wanted) == [
        ("set limits", "emp-1/travel", None),
        ("unfreeze card", "emp-1/travel", None),
        ("fund card", "emp-1/travel", "40.00"),
    ]
    (again,) = applied(world, wanted).cards
    assert (again.id, again.balance, again.state) == (card.id, usd("250"), CardState.ACTIVE)
    assert again.limits == card.limits
    assert world.far_limit(card) == 29000
    less = declared(tmp_path, ACCOUNT + TRAVEL.replace("250.00", "100.00"))
    assert plan(world.desk, less) == [], "a declared sum is the least, not the most"


def test_an_account_is_brought_up_to_date(world: World, tmp_path: Path) -> None:
    wanted = declared(tmp_path, ACCOUNT)
    (account,) = applied(world, wanted).accounts
    change_account(world.desk, account, AccountChange(email="old@example.com"))
    change_account(world.desk, account, AccountChange(active=False))
    assert steps(world, wanted) == [("update account", "emp-1", None), ("activate account", "emp-1", None)]
    (again,) = applied(world, wanted).accounts
    assert (again.email, again.state) == ("ada@example.com", AccountState.ACTIVE)


@pytest.mark.parametrize("start", ["inactive", "active", "frozen"])
@pytest.mark.parametrize("goal", ["active", "frozen", "closed"])
@pytest.mark.parametrize("money", ["250", "300"])
def test_from_every_state_to_every_other(world: World, tmp_path: Path, start: str, goal: str, money: str) -> None:
    def text(state: str, fund: str) -> str:
        return f'{ACCOUNT}[[accounts.cards]]\nkey = "k"\nfund_to = "{fund}"\nstate = "{state}"\n'

    applied(world, declared(tmp_path, text(start, "250")))
    (card,) = apply(world.desk, declared(tmp_path, text(goal, money)), lambda _count: None).cards
    assert plan(world.desk, declared(tmp_path, text(goal, money))) == []
    assert card.state == goal
    assert card.balance == usd("250" if goal == "closed" else money)
    assert sync_card(world.desk, card).balance == card.balance, "the bank says the same"


def test_a_closed_card_does_not_come_back(world: World, tmp_path: Path) -> None:
    wanted = declared(tmp_path, ACCOUNT + TRAVEL)
    (card,) = applied(world, wanted).cards
    move_card(world.desk, card, Move.CLOSE)
    assert plan(world.desk, wanted) == []


def test_the_successor_of_a_replaced_card_is_the_declared_one(world: World, tmp_path: Path) -> None:
    wanted = declared(tmp_path, ACCOUNT + TRAVEL)
    (card,) = applied(world, wanted).cards
    withdraw(world.desk, card, usd("50"))
    successor = replace_card(world.desk, card, "lost").object
    assert steps(world, wanted) == [("fund card", "emp-1/travel", "50.00")]
    (again,) = applied(world, wanted).cards
    assert (again.id, again.balance) == (successor.id, usd("250"))


def test_an_unlimited_card_is_not_given_an_allowance_by_a_file(world: World, tmp_path: Path) -> None:
    applied(world, declared(tmp_path, f'{ACCOUNT}[[accounts.cards]]\nkey = "k"\n'))
    with pytest.raises(CardUnlimited):
        plan(world.desk, declared(tmp_path, f'{ACCOUNT}[[accounts.cards]]\nkey = "k"\nfund_to = "5"\n'))


@pytest.mark.parametrize("other", ['currency = "EUR"', 'currency = "EUR"\nfund_to = "5"', 'type = "physical"'])
def test_what_can_not_be_changed_of_a_card_is_said(world: World, tmp_path: Path, other: str) -> None:
    applied(world, declared(tmp_path, ACCOUNT + TRAVEL))
    with pytest.raises(BadInput, match="emp-1/travel: card_"):
        plan(world.desk, declared(tmp_path, f'{ACCOUNT}[[accounts.cards]]\nkey = "travel"\n{other}\n'))


def test_what_fails_stops_its_own_account_only(world: World, tmp_path: Path) -> None:
    bad = ACCOUNT.replace("emp-1", "emp-0") + '[[accounts.cards]]\nkey = "k"\ncurrency = "JPY"\n' + TRAVEL
    wanted = declared(tmp_path, bad + ACCOUNT + TRAVEL)
    applied(world, declared(tmp_path, ACCOUNT.replace("emp-1", "emp-0")))
    with world.books.read() as unit:
        (first,) = unit.accounts.rows()
    world.control.edit(first.ref or "", {"requirements.disabled_reason": "listed"})
    sync_account(world.desk, first)
    done = apply(world.desk, wanted, lambda _count: None)
    assert [(step.target, error.exit_code) for step, error in done.failed] == [("emp-0/k", ExitCode.REFUSED)]
    assert [step.target for step in done.done] == ["emp-1", "emp-1/travel"]
    assert [card.balance for card in done.cards] == [usd("250")]
    world.control.edit(first.ref or "", {"requirements.disabled_reason": ""})
    sync_account(world.desk, first)
    assert [step.target for step in applied(world, wanted).done] == ["emp-0/k", "emp-0/travel"]


def test_what_is_in_doubt_is_settled_first_and_done_once(world: World, tmp_path: Path) -> None:
    wanted = declared(tmp_path, ACCOUNT + TRAVEL)
    world.control.fault("lost-reply", times=50)
    failed = apply(world.desk, wanted, lambda _count: None).failed
    assert [(step.action, error.exit_code) for step, error in failed] == [(Action.CREATE_ACCOUNT, ExitCode.IN_DOUBT)]
    world.control.clear_faults()
    world.control.fault("500", times=50)
    broken = world.desk_with(provider=_Blind(world.desk.provider))
    with pytest.raises(OutcomeUnknown):
        apply(broken, wanted, lambda _count: None)
    world.control.clear_faults()
    done = apply(world.desk, wanted, lambda _count: None)
    assert (done.failed, [step.target for step in done.done]) == ((), ["emp-1/travel"])
    assert len(world.merchant.seen("/v1/issuing/cardholders")["data"]) == 1
    assert plan(world.desk, wanted) == []


class _Blind:
    """The provider, which cannot be asked what became of a write."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def look_up(self, draft: object, mark: str) -> Any:
        from cardctl.providers.base import Sighting

        return Sighting(None)


WRONG = [
    ("", "accounts is missing"),
    ("accounts = 5", "accounts: "),
    ("acounts = []", "unknown key acounts"),
    ("[[accounts]]\n", "accounts[0].external_id is missing; accounts[0].name is missing"),
    ('[[accounts]]\nexternal_id = ""\nname = " "\n', "accounts[0].external_id: "),
    ('[[accounts]]\nexternal_id = "e"\nname = " "\n', "accounts[0].name: "),
    ('[[accounts]]\nexternal_id = "e"\nname = 5\n', "accounts[0].name: "),
    (ACCOUNT + "nmae = 1\n", "unknown key accounts[0].nmae"),
    (ACCOUNT + 'type = "robot"\n', "accounts[0].type: "),
    (ACCOUNT + "address = { line1 = 'x' }\n", "accounts[0].address.city is missing"),
    (ACCOUNT + 'address = {line1="x",city="x",postal_code="x",country="usa"}\n', "accounts[0].address.country: "),
    (ACCOUNT + "[[accounts.cards]]\n", "accounts[0].cards[0].key is missing"),
    (ACCOUNT + TRAVEL + "[[accounts.cards]]\nkey = 'b'\nfund_to = 250\n", "accounts[0].cards[1].fund_to: "),
    (ACCOUNT + "[[accounts.cards]]\nkey = 'b'\nfund_to = 250.0\n", "accounts[0].cards[0].fund_to: "),
    (ACCOUNT + "[[accounts.cards]]\nkey = 'b'\nfund_to = '-5'\n", "accounts[0].cards[0]: fund_to: '-5' is not an amount"),
    (
        ACCOUNT + "[[accounts.cards]]\nkey = 'b'\nfund_to = '1e3'\nlimits = { daily = '25.005', weekly = '٢٥' }\n",
        "accounts[0].cards[0]: fund_to: '1e3' is not an amount; limits.daily: 25.005 has more decimals than USD has (2); "
        "limits.weekly: '٢٥' is not an amount",
    ),
    (ACCOUNT + "[[accounts.cards]]\nkey = 'b'\ncurrency = 'usd'\n", "accounts[0].cards[0]: currency: 'usd' is not"),
    (ACCOUNT + "[[accounts.cards]]\nkey = 'b'\ncurrency = 'XXX'\nfund_to = '{5}'\n", "accounts[0].cards[0]: currency: 'XXX'"),
    (ACCOUNT + "[[accounts.cards]]\nkey = 'b'\nfund_to = '{faults}'\n", "accounts[0].cards[0]: fund_to: '{faults}' is not"),
    (ACCOUNT + f"[[accounts.cards]]\nkey = 'b'\nfund_to = '{'9' * 5000}'\n", "accounts[0].cards[0]: fund_to: "),
    (ACCOUNT + "[[accounts.cards]]\nkey = 'b'\nstate = 'melted'\n", "accounts[0].cards[0].state: "),
    (ACCOUNT + "[[accounts.cards]]\nkey = 'b'\nlimits = { dayly = '5' }\n", "unknown key accounts[0].cards[0].limits.dayly"),
    (ACCOUNT + ACCOUNT, "declared more than once: emp-1"),
    (ACCOUNT + TRAVEL + TRAVEL, "declared more than once: emp-1/travel"),
    ("accounts = [", "at "),
    ("a = " + "[" * 5000, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[told[:40] for _, told in WRONG])
def test_what_is_wrong_in_a_file_is_named_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadFile) as caught:
        declared(tmp_path, text)
    assert caught.value.exit_code is ExitCode.BAD_INPUT
    assert caught.value.message.startswith(f"{tmp_path / 'programme.toml'}: ")
    assert told in caught.value.message


def test_the_nearest_known_key_is_offered(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="per_transaction"):
        declared(tmp_path, ACCOUNT + "[[accounts.cards]]\nkey = 'b'\nlimits = { per_transactoin = '5' }\n")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe9'")
    for name in ("nowhere.toml", "latin.toml", "."):
        with pytest.raises(BadFile):
            read_programme(tmp_path / name)


def test_names_of_all_kinds(world: World, tmp_path: Path) -> None:
    name = "Zoë 🙂 \\u001b[31m O'Neil \\n Jr."
    (account,) = applied(world, declared(tmp_path, f'[[accounts]]\nexternal_id = "é/1"\nname = "{name}"\n')).accounts
    assert account.external_id == "é/1"
    assert "🙂" in account.name
