"""Another system's tables: whatever CSV they are, every bad row by its place; and cards that come to know their holders."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import pytest

from cardctl.domain.accounts import NewAccount
from cardctl.domain.cards import Card
from cardctl.domain.states import CardState
from cardctl.errors import BadFile, BadInput
from cardctl.services.deeds.issuing import create_account
from cardctl.services.flows.importing.cards import ImportedCards, import_cards
from cardctl.services.flows.importing.cells import COLUMNS, NEEDED
from cardctl.services.flows.importing.table import Bad, Row, mapping, rows_in
from tests.services.world import World, refuse, usd

HEAD = ",".join(COLUMNS)


def table(text: str | bytes, known: Sequence[str] = ("a", "b"), **names: str) -> list[Row | Bad]:
    data = text.encode() if isinstance(text, str) else text
    return list(rows_in(BytesIO(data), "file", known, ("a",), names))


def cells(text: str | bytes, **names: str) -> list[dict[str, str] | int]:
    """Each row's cells; of a bad one its line."""
    return [row.line if isinstance(row, Bad) else dict(row.cells) for row in table(text, **names)]


def imported(world: World, *rows: str, read: bool = True) -> ImportedCards:
    stream = BytesIO("\n".join([HEAD, *rows]).encode())
    return import_cards(world.desk, rows_in(stream, "file", COLUMNS, NEEDED, {}), currency="USD", read=read)


def card_of(world: World, ref: str) -> Card:
    with world.books.read() as unit:
        card = unit.cards.by_ref(world.desk.programme, ref)
    assert card is not None
    return card


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "\ufeffa;b\r\n1;2\r\n",
        "a\tb\n1\t2",
        "A | B\n 1 | 2 \n",
        "\n".join(['"a","b"', '"1","2"', "", ",", ""]),
        "c,b,a\n,2,1\n",
    ],
)
def test_every_usual_form_is_the_same_table(text: str) -> None:
    assert cells(text) == [{"a": "1", "b": "2"}]


def test_a_quoted_cell_may_have_lines_and_separators() -> None:
    assert table('a,b\n"x,\ny",2\n3,4\n') == [Row(2, {"a": "x,\ny", "b": "2"}, []), Row(4, {"a": "3", "b": "4"}, [])]


def test_rows_that_are_none_are_told_and_passed_over() -> None:
    assert cells("a,b\n1\n1,2,3\n1,2\n") == [2, 3, {"a": "1", "b": "2"}]
    assert cells(b"a,b\nx\xe9,2\n1,2\n") == [2, {"a": "1", "b": "2"}]
    assert cells('a,b\n1,2\n"torn,2\n3,4\n') == [{"a": "1", "b": "2"}, 3]
    assert cells('a,b\n"x"y,2\n1,2\n') == [2, {"a": "1", "b": "2"}]
    assert cells("a,b\n1,x\0y\n") == [{"a": "1", "b": "x\0y"}]
    assert cells("a,b\n1," + "x" * 1_000_000) == [{"a": "1", "b": "x" * 1_000_000}]


def test_columns_by_their_names() -> None:
    assert cells("theirs,b\n1,2\n", theirs="a") == [{"a": "1", "b": "2"}]
    for bad in ("", "b\n2\n", "a,a\n1,2\n", "x,y\n1,2\n", '"a\n1,2\n'):
        with pytest.raises(BadFile):
            table(bad)
    with pytest.raises(BadFile, match="'gone' is not there"):
        table("a,b\n1,2\n", gone="b")
    assert mapping(["Their Name = a"], ("a", "b")) == {"their name": "a"}
    for wrong in ("a", "=a", "x=", "x=c"):
        with pytest.raises(BadInput):
            mapping([wrong], ("a", "b"))


def test_a_holder_that_is_known_by_the_caller_s_key_gets_the_card(strowallet: World) -> None:
    holder = create_account(strowallet.desk, NewAccount("Ada Lovelace", external_id="u1", email="ada@example.com")).object
    told = imported(strowallet, "c1,u1,1,active,USD,1/30,1111", "c2,u2,1,active,USD,1/30,1111", read=False)
    assert (told.new, told.accounts) == (2, 1)
    assert card_of(strowallet, "c1").account_id == holder.id
    assert card_of(strowallet, "c1").holder == "Ada Lovelace"
    assert strowallet.audit()[-3:] == [
        ("account.import", card_of(strowallet, "c2").account_id),
        ("card.import", card_of(strowallet, "c1").id),
        ("card.import", card_of(strowallet, "c2").id),
    ]


def test_a_holder_there_is_the_user_here(strowallet: World) -> None:
    """Another system made the card; the provider's customer and the file's user become one account."""
    card = strowallet.a_card("100")
    account = strowallet.account(strowallet.an_account("x"))  # somebody else, who must stay apart
    ref = strowallet.account(account).ref
    with strowallet.books.write() as unit:
        unit.empty()
    assert imported(strowallet, f"{card.ref},u1,5,frozen,USD,1/30,1111").reading.read == 1
    now = card_of(strowallet, card.ref)
    assert (now.balance, now.state, now.last4) == (usd("100"), CardState.ACTIVE, card.last4)
    with strowallet.books.read() as unit:
        (holder,) = unit.accounts.rows()
    assert (holder.external_id, holder.id == now.account_id, bool(holder.name)) == ("u1", True, True)
    assert holder.ref != ref


def test_another_holder_there_is_said_and_nothing_moves(strowallet: World) -> None:
    card = strowallet.a_card("100")
    before = strowallet.account(strowallet.account(strowallet.an_account("Bob")))
    with strowallet.books.write() as unit:
        holder = unit.accounts.named(card.account_id)
        unit.empty()
        unit.accounts.add(holder, raw={})
        unit.accounts.add(before, raw={})
    told = imported(strowallet, f"{card.ref},u1,5,active,USD,1/30,1111")
    assert told.reading.others == [card_of(strowallet, card.ref).id]
    with strowallet.books.read() as unit:
        assert len(list(unit.accounts.rows())) == 3


def test_a_provider_that_is_down_stops_no_import(strowallet: World) -> None:
    cards = [strowallet.a_card("10"), strowallet.a_card("10")]
    with strowallet.books.write() as unit:
        unit.empty()
    strowallet.wire.before = refuse
    rows = [f"{card.ref},u1,5,active,USD,1/30,1111" for card in cards]
    told = imported(strowallet, *rows)
    assert (told.new, told.reading.read, told.reading.unread) == (2, 0, 2)
    assert told.reading.why
    strowallet.wire.before = lambda _request: None
    again = imported(strowallet, *rows)
    assert (again.new, again.known, again.reading.read) == (0, 2, 2)
    assert {card_of(strowallet, card.ref).balance for card in cards} == {usd("10")}


def test_a_million_would_fit(strowallet: World) -> None:
    """More than one batch, an account for many cards, and what is twice is told wherever it stands."""
    rows = [f"c{number},u{number % 7},{number}.25,active,USD,1/30,1111" for number in range(1_200)]
    told = imported(strowallet, *rows, rows[3], read=False)
    assert (told.rows, told.new, told.accounts, told.bad.count) == (1_201, 1_200, 7, 1)
    assert (told.bad.first[0].line, told.bad.first[0].column) == (1_202, "card_id")
    assert len(told.first) == 10


def test_both_books(each_world: World) -> None:
    """At Stripe, by its words, on each kind of books."""
    told = imported(each_world, "ic_1,u1,5,inactive,USD,1/30,1111", "ic_2,u1,5,canceled,,1/30,1111")
    assert (told.new, told.reading.missing_count) == (2, 2)
    assert card_of(each_world, "ic_1").state is CardState.INACTIVE
    assert card_of(each_world, "ic_2").state is CardState.CLOSED
    assert imported(each_world, "ic_1,u1,5,inactive,USD,1/30,1111").known == 1
