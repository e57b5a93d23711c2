"""The last guard: card numbers and secrets go, whatever stands beside them; ids, hashes and other digits stay."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardctl.domain.cards import Credentials
from cardctl.domain.redaction import Secret, luhn, printable, redact, redact_body, redact_json


def whole(body: str) -> str:
    """`body` with the digit that makes it pass Luhn."""
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


@pytest.mark.parametrize("length", range(8, 25))
def test_lengths(length: int) -> None:
    number = whole("9" * (length - 1))
    hidden = 13 <= length <= 19
    assert redact(f"it is {number}.") == (f"it is **** **** **** {number[-4:]}." if hidden else f"it is {number}.")


@given(st.text("0123456789", min_size=12, max_size=18), st.integers(0, 9))
def test_luhn_tells_one_digit_in_ten(body: str, wrong: int) -> None:
    number = whole(body)
    other = body + str((int(number[-1]) + 1 + wrong % 9) % 10)
    assert redact(number) == f"**** **** **** {number[-4:]}"
    assert redact(other) == other


@pytest.mark.parametrize(
    "text",
    [
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "42 42 42 42 42 42 42 42",
        "3782 822463 10005",
        "pan=4242424242424242",
        "(4242424242424242)",
        '"4242424242424242"',
        "4242424242424242,",
        "4242424242424242\n",
        "«4242424242424242»",
        "4242424242424242 123",  # its security code after it
        "123 4242424242424242",
        "4242 4242 4242 4242 12 29 123",
        "4242424242424242 4000056655665556",
        "25 4242 4242 4242 4242 USD",
        "4242-4242-4242-4242-1",
        "1 2 3 4242424242424242 4 5 6",
    ],
)
def test_numbers_in_every_dress(text: str) -> None:
    told = redact(text)
    assert "**** **** **** " in told
    for number in ("4242424242424242", "378282246310005", "4000056655665556"):
        assert number not in told.replace(" ", "").replace("-", "")


@given(
    st.lists(st.text("0123456789", min_size=1, max_size=5), max_size=4),
    st.text("0123456789", min_size=15, max_size=15),
    st.lists(st.text("0123456789", min_size=1, max_size=5), max_size=4),
    st.sampled_from([" ", "-"]),
)
def test_no_company_hides_a_number(before: list[str], body: str, after: list[str], between: str) -> None:
    number = whole(body)
    assert number not in redact(between.join([*before, number, *after])), "whatever groups stand beside it"


@pytest.mark.parametrize(
    "text",
    [
        "card_4242424242424242",
        "a4242424242424242",
        "4242424242424242a",
        "x_4242424242424242",
        "4242424242424242_x",
        "4242 4242 4242 4242x",
        "4242424242424241",
        "4242.4242.4242.4242",
        "4242  4242  4242  4242",
        "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
        "2026-11-21T00:57:43.123456Z",
        "ic_1OpYdlVlzSVSSxaaNf3XnXZz",
        "account_4bc0c50e68935d4dbd75",
        "op_00000000000000000000",
        "0" * 64,
        "100000000",
        "1000000.00 USD",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "",
    ],
)
def test_what_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("key sk_test_4eC39HqLyjWDarjtT1zdp7dc!", "key ***!"),
        ("rk_live_4eC39HqLyjWDarjtT1zdp7dc", "***"),
        ("whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH", "***"),
        ("Authorization: Bearer abcdefghijkl.mno", "Authorization: ***"),
        ("Authorization: Basic YWxhZGRpbjpvcGVu", "Authorization: ***"),
        ("postgresql://ops:s3cret@db/cards", "postgresql://***@db/cards"),
        ("postgresql://ops:s3@cret@db/cards", "postgresql://***@db/cards"),
        ("redis://:s3cret@db", "redis://***@db"),
        ("https://example.com:8420/a?b=c@d", "https://example.com:8420/a?b=c@d"),
        ("sk_simple", "sk_simple"),
        ("card ccof:uIbfJXhXETSP197M3GB, lost", "card ***, lost"),
        ("(cnon:CBASEBc0_x-9)", "(***)"),
        ("verf:CBASEL", "***"),
        ("ccof: what is that", "ccof: what is that"),
    ],
)
def test_secrets(text: str, told: str) -> None:
    assert redact(text) == told


def test_json_trees() -> None:
    tree = {
        "id": "ic_1",
        "number": "4242424242424242",
        "cvc": "123",
        "name": "4242 4242 4242 4242",
        "list": [{"pan": "1", "note": "sk_test_abcdefghij"}, 5, None, True],
        "pair": ("4242424242424242", 1),
        "iccid": "8901260862291477114",
        "minor": 4242424242424242,
    }
    assert luhn("8901260862291477114"), "an ICCID passes Luhn, which is why it needs a word of its own"
    before = json.dumps(tree)
    assert redact_json(tree) == {
        "id": "ic_1",
        "name": "**** **** **** 4242",
        "list": [{"note": "***"}, 5, None, True],
        "pair": ["**** **** **** 4242", 1],
        "iccid": "8901260862291477114",
        "minor": 4242424242424242,
    }
    assert json.dumps(tree) == before, "what was handed in is not changed"


def test_a_secret_prints_as_stars() -> None:
    secret = Secret("sesame")
    assert {str(secret), repr(secret), f"{secret}", f"{secret!r:>3}", str([secret])} == {"***", "[***]"}
    assert secret.reveal() == "sesame"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(secret)
    assert "4242" not in repr(Credentials("4242424242424242", "123", 11, 2029))


@given(st.text())
def test_printable_text_moves_no_cursor(text: str) -> None:
    told = printable(text)
    assert not {char for char in told if ord(char) < 32 or 0x7F <= ord(char) < 0xA0}
    assert printable(told) == told
    assert printable("Ada 🙂 é") == "Ada 🙂 é"


@pytest.mark.parametrize("text", ["\x1b[2J", "\u202e", "\u2066", "\r\n", "\x9b31m", "\u200b", "\u2028"])
def test_what_moves_a_cursor_is_shown(text: str) -> None:
    assert printable(text) == text.encode("unicode_escape").decode()


@pytest.mark.parametrize(
    ("body", "safe"),
    [
        (b'{"number": "4242424242424242", "x": 1.50}', b'{"x":1.50}'),
        (b'{"n": 4242424242424242, "y": 12.00}', b'{"n":"**** **** **** 4242","y":12.00}'),
        (b'{"cvv": 123, "pin": {"status": "active"}}', b'{"pin":{"status":"active"}}'),
        (b'{"p": "\\u0034242424242424242"}', b'{"p":"**** **** **** 4242"}'),
        (b'[{"note": "sk_live_abcdefghij"}]', b'[{"note":"***"}]'),
        (b'{"card_id": "ccof:uIbfJXhXETSP197M3GB", "n": 1.50}', b'{"card_id":"***","n":1.50}'),
        (b"no JSON: 4242 4242 4242 4242 \xff", b"no JSON: **** **** **** 4242 \xff"),
    ],
)
def test_a_raw_body_loses_what_no_one_may_see(body: bytes, safe: bytes) -> None:
    assert redact_body(body) == safe
    assert redact_body(safe) == safe


@pytest.mark.parametrize(
    "body",
    [
        b'{ "amount" : 1.50, "cvc_check": "pass", "number": "F2-001", "cvc": null }',
        b'{"site":"https://shop.example","mail":"a@b.example"}',
        b'{"a": "caf\\u00e9"}',
        b"\xff\x00 anything",
        b"",
    ],
)
def test_a_raw_body_without_any_of_it_is_the_very_bytes(body: bytes) -> None:
    assert redact_body(body) == body
