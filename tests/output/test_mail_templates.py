"""Templates that take the place of ours: what they may say, what they cannot reach, and how a broken one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardctl.domain.letters import Letter
from cardctl.domain.redaction import Secret
from cardctl.errors import BadConfig
from cardctl.output.letters.wording import NAMES, Wording, Words
from tests.output.test_mail import CODE, MATCHING, letter, refund

TEXT = "{% block subject %}Hi {{ name }}{% endblock %}{% block body %}Type {{ matching_id }} at {{ address }}{% endblock %}"


def wording(directory: Path | None, **templates: str) -> Wording:
    for name, text in templates.items():
        assert directory
        (directory / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return Wording(directory, shop="Acme Mobile", reply_to="help@example.com")


def said(words: Words) -> str:
    return words.subject + words.text + words.html


def test_one_template_takes_the_place_of_ours_and_the_others_stay(tmp_path: Path) -> None:
    ours, theirs = wording(None), wording(tmp_path, delivery_txt=TEXT)
    theirs.check()
    words = theirs.words(letter())
    assert (words.subject, words.text) == ("Hi Ada Lovelace", f"Type {MATCHING} at smdp.example.com\n")
    assert words.html == ours.words(letter()).html
    assert theirs.words(refund()) == ours.words(refund())


def test_ours_can_be_built_upon(tmp_path: Path) -> None:
    changed = '{% extends "builtin/delivery.txt" %}{% block subject %}Merhaba{% endblock %}'
    theirs = wording(tmp_path, delivery_txt=changed)
    theirs.check()
    words = theirs.words(letter())
    assert words.subject == "Merhaba"
    assert words.text == wording(None).words(letter()).text


def test_html_escapes_and_text_does_not(tmp_path: Path) -> None:
    theirs = wording(tmp_path, delivery_txt=TEXT, delivery_html="<p>{{ name }}</p>&nbsp;{{ '\u00a0' }}")
    words = theirs.words(letter(name="<b>Ada</b> & Co"))
    assert words.subject == "Hi <b>Ada</b> & Co"
    assert words.html == "<p>&lt;b&gt;Ada&lt;/b&gt; &amp; Co</p>&nbsp;\u00a0"


BROKEN = [
    ("{% block subject %}x{% endblock %}\n{% block body %}\n{% if %}{% endblock %}", "line 3"),
    ("{% block subject %}x{% endblock %}\n{% block body %}{{ unheard_of }}{% endblock %}", "line 2"),
    (
        "{% block subject %}x{% endblock %}\n\n{% block body %}{{ name.upper() }}{% endblock %}",
        "line 3",
    ),  # a letter may have none
    ("{% block subject %}x{% endblock %}\n{% block body %}{{ 1 // 0 }}{% endblock %}", "line 2"),
    ("{% block subject %}x{% endblock %}{% block body %}{{ ''.__class__.__mro__ }}{% endblock %}", "line 1"),
    ("{% block subject %}x{% endblock %}{% block body %}{% include '../../secret' %}{% endblock %}", "line 1"),
    ("{% extends 'delivery.txt' %}", ""),
    ("{% block body %}x{% endblock %}", "no block subject"),
    ("{% block subject %}x{% endblock %}", "no block body"),
    ("{% block subject %} {% endblock %}{% block body %}x{% endblock %}", "no block subject"),
    ("just words", "no block subject and no block body"),
]


@pytest.mark.parametrize(("text", "where"), BROKEN)
def test_a_broken_template_is_told_with_file_and_line(text: str, where: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as error:
        wording(tmp_path, delivery_txt=text).check()
    assert str(tmp_path / "delivery.txt") in error.value.message
    assert where in error.value.message
    assert error.value.__cause__ is None


@pytest.mark.parametrize("name", NAMES)
def test_each_template_is_checked(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{{ unheard_of }}")
    with pytest.raises(BadConfig, match="unheard_of"):
        wording(tmp_path).check()


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "refund.html").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadConfig, match=r"refund\.html"):
        wording(tmp_path).check()


def test_a_directory_without_templates(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="has no template"):
        wording(tmp_path).check()
    with pytest.raises(BadConfig, match="names no directory"):
        wording(tmp_path / "none").check()


@pytest.mark.parametrize("told", [letter(), letter(activation=Secret("not of the usual form"))])
def test_a_template_that_fails_on_a_real_letter_does_not_say_its_code(told: Letter, tmp_path: Path) -> None:
    leaking = "{% block subject %}x{% endblock %}\n{% block body %}{{ {}[code] + 1 }}{{ code|int(base=code) }}{% endblock %}"
    with pytest.raises(BadConfig) as error:
        wording(tmp_path, delivery_txt=leaking).words(told)
    assert "line 2" in error.value.message
    for secret in (CODE, MATCHING, "usual form"):
        assert secret not in f"{error.value.message} {error.value!r}"


def test_words_are_in_no_repr() -> None:
    assert MATCHING not in repr(wording(None).words(letter()))
    assert MATCHING in said(wording(None).words(letter()))
