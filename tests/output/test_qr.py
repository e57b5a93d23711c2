"""QR codes are read back as a phone would read them, and saved under names that fit, for their owner alone."""

from __future__ import annotations

import stat
import traceback
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from cardctl.domain.letters import Manual, manual
from cardctl.domain.redaction import Secret
from cardctl.errors import BadFile, BadInput, Refused
from cardctl.output import qr
from tests.output.pictures import text_of_drawing, text_of_png

CODES = [
    "LPA:1$smdp.example.com$7B2F94B0A3E84C5D9A1F0C6E2B4D8A7F",
    "LPA:1$a.b$C",
    "LPA:1$smdp.example.com$" + "X" * 200,
    "lpa:1$sm-dp.example$with-small_letters.and$1.3.6.1.4.1.31746$1",
]
CODE = CODES[0]


@pytest.mark.parametrize("code", CODES)
def test_what_is_drawn_can_be_read(code: str) -> None:
    assert text_of_png(qr.png(code)) == code
    for color in (True, False):
        assert text_of_drawing(qr.drawn(code, color=color), color=color) == code


def test_the_usual_code_fits_a_terminal() -> None:
    for color in (True, False):
        lines = qr.drawn(CODE, color=color).replace("\x1b[38;5;16;48;5;231m", "").replace("\x1b[0m", "").splitlines()
        assert max(map(len, lines)) <= 80
    assert len(qr.drawn(CODE, color=True).splitlines()) <= 24


def test_an_svg_has_the_modules_of_the_code_and_nothing_to_fetch() -> None:
    drawn = qr.svg(CODE)
    page = ET.fromstring(drawn)
    assert page.tag == "{http://www.w3.org/2000/svg}svg"
    assert b"href" not in drawn
    assert CODE.encode() not in drawn


@pytest.mark.parametrize("text", ["x" * 5_000, "\ud800"])
def test_what_no_code_can_hold_is_refused_unsaid(text: str) -> None:
    with pytest.raises(BadInput) as error:
        qr.png(text)
    assert text not in "".join(traceback.format_exception(error.value))


def test_saved_for_its_owner_alone(tmp_path: Path) -> None:
    for name in ("code.png", "code.svg", "CODE.PNG"):
        qr.save(tmp_path / name, activation=Secret(CODE), picture=None, force=False)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert text_of_png((tmp_path / "code.png").read_bytes()) == CODE
    assert (tmp_path / "code.svg").read_bytes() == qr.svg(CODE)
    assert (tmp_path / "CODE.PNG").read_bytes() == qr.png(CODE)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["CODE.PNG", "code.png", "code.svg"]


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    taken = tmp_path / "code.png"
    taken.write_bytes(b"mine")
    with pytest.raises(Refused, match="exists already"):
        qr.save(taken, activation=Secret(CODE), picture=None, force=False)
    assert taken.read_bytes() == b"mine"
    qr.save(taken, activation=Secret(CODE), picture=None, force=True)
    assert text_of_png(taken.read_bytes()) == CODE


def test_a_picture_of_the_supplier_is_saved_as_it_is(tmp_path: Path) -> None:
    theirs = qr.png("LPA:1$theirs.example$X")
    qr.save(tmp_path / "code.png", activation=None, picture=theirs, force=False)
    assert (tmp_path / "code.png").read_bytes() == theirs
    with pytest.raises(Refused, match="picture only"):
        qr.save(tmp_path / "code.svg", activation=None, picture=theirs, force=False)
    with pytest.raises(Refused, match="no QR code yet"):
        qr.save(tmp_path / "other.png", activation=None, picture=None, force=False)
    assert [each.name for each in tmp_path.iterdir()] == ["code.png"]


@pytest.mark.parametrize("name", ["code", "code.jpg", "code.png.txt", ".png"])
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no name for a QR code"):
        qr.save(tmp_path / name, activation=Secret(CODE), picture=None, force=True)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadFile):
        qr.save(tmp_path / "none" / "code.png", activation=Secret(CODE), picture=None, force=False)


@pytest.mark.parametrize(
    ("code", "typed"),
    [
        (CODE, Manual("smdp.example.com", "7B2F94B0A3E84C5D9A1F0C6E2B4D8A7F")),
        ("LPA:1$smdp.example.com$", Manual("smdp.example.com", None)),
        ("LPA:1$smdp.example.com$X$1.3.6$1", Manual("smdp.example.com", "X", confirmed=True)),
        ("LPA:1$smdp.example.com$X$$1", Manual("smdp.example.com", "X", confirmed=True)),
        (" lpa:1$a$b\n", Manual("a", "b")),
        ("1$a$b", Manual()),
        ("LPA:2$a$b", Manual()),
        ("LPA:1$$b", Manual()),
        ("LPA:1", Manual()),
        ("", Manual()),
    ],
)
def test_what_is_typed_by_hand(code: str, typed: Manual) -> None:
    assert manual(Secret(code)) == typed
