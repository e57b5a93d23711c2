"""The file of a policy: what its lots become, in TOML and in CSV, and every fault named with its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cardctl.config.policy import Overrides, parsed_policy, read_policy
from cardctl.domain.lots import KEEP, WINDOW, Lot, LotStatus, Policy
from cardctl.domain.money import Money
from cardctl.errors import BadFile

TOML = """
window = "4h"
keep = "2d"
hold = "6d"
currency = "USD"

[[lots]]
person = "buyer@example.com"
amount = "50.00"
start = 2026-11-27T18:00:00Z
end = "2026-11-27T23:00:00+01:00"
invoice = "A-17/buyer"

[[lots]]
person = "ann"
amount = "5000"
currency = "jpy"
start = 2026-11-27T18:00:00Z
invoice = "A-18"
status = "completed"
final = "4210"
tip = "0"
"""
CSV = """person,amount,start,end,invoice,status,final,currency
buyer@example.com,50.00,2026-11-27T18:00:00Z,2026-11-27T22:00:00Z,A-17/buyer,,,

ann,5000,2026-11-27T18:00:00Z,,A-18,completed,4210,JPY
"""
SIX = datetime(2026, 11, 27, 18, tzinfo=UTC)
LOTS = (
    Lot("buyer@example.com", "A-17/buyer", Money(5000, "USD"), SIX, SIX + timedelta(hours=4)),
    Lot("ann", "A-18", Money(5000, "JPY"), SIX, SIX, LotStatus.COMPLETED, Money(4210, "JPY")),
)


def toml(text: str) -> Policy:
    return parsed_policy(text.encode(), "auction.toml", is_csv=False)


def lots(*lines: str) -> str:
    """One lot of USD, each of whose words may be said otherwise."""
    told = {
        "person": '"ann"',
        "amount": '"50.00"',
        "start": "2026-11-27T18:00:00Z",
        "invoice": '"A-17"',
    } | dict(line.split(" = ", 1) for line in lines)
    return 'currency = "USD"\n[[lots]]\n' + "\n".join(f"{key} = {value}" for key, value in told.items() if value != "-")


def test_toml() -> None:
    assert toml(TOML) == Policy(LOTS, timedelta(hours=4), timedelta(days=2), timedelta(days=6))


def test_csv_is_told_the_rest_on_the_command_line() -> None:
    told = Overrides(window="90m", hold="36h", currency="USD")
    assert parsed_policy(CSV.encode(), "lots.csv", is_csv=True, told=told) == Policy(
        LOTS, timedelta(minutes=90), KEEP, timedelta(hours=36)
    )


def test_what_is_not_said() -> None:
    policy = toml(lots())
    assert (policy.window, policy.keep, policy.hold_for) == (WINDOW, KEEP, None)
    assert policy.lots[0].end == policy.lots[0].start


def test_the_command_line_stands_in_for_the_file() -> None:
    policy = parsed_policy(TOML.encode(), "a", is_csv=False, told=Overrides(window="1h", currency="EUR"))
    assert policy.window == timedelta(hours=1)
    assert [lot.amount.currency for lot in policy.lots] == ["EUR", "JPY"]


FAULTS = {
    "unknown key winow; did you mean window?": 'winow = "4h"\n' + lots(),
    "lots[0]: unknown key persn; did you mean person?": lots('persn = "ann"'),
    "lots[0].person: it is missing": lots("person = -"),
    "lots[0].person: text in quotes is wanted": lots("person = 7"),
    "lots[0].person: a person needs a name of 1 to 190 characters": lots(f'person = "{"a" * 191}"'),
    "lots[0].person: the person looks like a card number": lots('person = "4242424242424242"'),
    "lots[0].amount: text in quotes is wanted": lots("amount = 50.00"),
    "lots[0].amount: '50,00' is not an amount": lots('amount = "50,00"'),
    "lots[0].amount: 50.001 has more decimals": lots('amount = "50.001"'),
    "lots[0].amount: it must be more than zero": lots('amount = "0.00"'),
    "lots[0].final: '-1' is not an amount": lots('final = "-1"'),
    "lots[0].start: a time with its zone is wanted": lots("start = 2026-11-27T18:00:00"),
    "lots[0].start: '2026-11-27' is not a time with its zone": lots('start = "2026-11-27"'),
    "lots[0].start: '2026-02-30T18:00:00Z' is not a time": lots('start = "2026-02-30T18:00:00Z"'),
    "lots[0].end: it is before the start": lots("end = 2026-11-27T17:59:59Z"),
    "lots[0].invoice: at most 36 characters": lots(f'invoice = "{"A" * 37}"'),
    "lots[0].invoice: an invoice has a name of 1 to 40": lots(f'invoice = "{"A" * 41}"'),
    "lots[0].invoice: it ends as the names of later holds do": lots('invoice = "A-17~2"'),
    "lots[0].invoice: the invoice's name looks like a card number": lots('invoice = "4242424242424242"'),
    "lots[0].status: 'complete' is none of open, completed, cancelled; did you mean completed?": lots('status = "complete"'),
    "lots[0].currency: 'XYZ' is not an ISO 4217": lots('currency = "XYZ"'),
    "lots[0].currency: none is named": lots().replace('currency = "USD"\n', ""),
    "the invoice 'A-17' is there 2 times": lots() + lots().replace('currency = "USD"\n', "\n"),
    "window: a span of time such as": 'window = "4 hours"\n' + lots(),
    "keep: a span of time such as": "keep = 4\n" + lots(),
    "hold: from 1h to less than 7d": 'hold = "7d"\n' + lots(),
    "it has no lots": 'currency = "USD"\n',
    "lots: each begins with [[lots]]": "lots = 7\n",
    "at line 1": "[[lots\n",
}


@pytest.mark.parametrize("said", FAULTS)
def test_every_fault_is_named_with_its_place(said: str) -> None:
    with pytest.raises(BadFile, match=r"auction\.toml: ") as caught:
        toml(FAULTS[said])
    assert said in caught.value.message


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadFile) as caught:
        toml(lots('amount = "x"', "start = 7", 'status = "gone"'))
    assert caught.value.message.count("lots[0].") == 3


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("unknown column 'invioce'; did you mean invoice?; the column 'invoice' is missing", "person,amount,start,invioce\n"),
        ("the column 'tip' is there more than once", "person,amount,start,invoice,tip,tip\n"),
        ("line 2 has 3 cells, the header has 4", "person,amount,start,invoice\nann,50,2026-11-27T18:00:00Z\n"),
        ("line 3, amount: 'x' is not an amount", "person,amount,start,invoice\n\nann,x,2026-11-27T18:00:00Z,A\n"),
        ("line 2: ", 'person,amount,start,invoice\n"ann,50\n'),
        ("it has no lots", "person,amount,start,invoice\n"),
        ("byte 0 is not UTF-8", "\udcff"),
    ],
)
def test_faults_of_csv(said: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "lots.CSV"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadFile) as caught:
        read_policy(file, Overrides(currency="USD"))
    assert said in caught.value.message


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="No such file"):
        read_policy(tmp_path / "none.toml")
