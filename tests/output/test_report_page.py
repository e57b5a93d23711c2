"""The report's page in a real browser: no complaint, no request, both sides of each break, on a phone, by night, on paper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from cardctl.domain.breaks import BreakState, BreakType
from cardctl.domain.money import Money
from cardctl.output.report import Report, write_report
from tests.output.browser import Page, chromium, program
from tests.output.reconciled import before, found, move, report, shape

NUMBER = "4242424242424242"
LONG = "W" * 3_000
HOSTILE = (
    "<script>alert(1)</script>",
    "\u202eevil\u202c\x1b[2J",
    "</style><img src=https://example.com/x onerror=alert(2)>",
    LONG,
)
BREAKS = [
    found(
        BreakType.TRANSACTION_AMOUNT,
        "ipi_1",
        local={"amount": shape(1_250_000), "state": "settled", "merchant": {"name": HOSTILE[0], "city": HOSTILE[1]}},
        remote={"amount": shape(1_500_000), "state": "settled", "merchant": {"name": HOSTILE[2], "city": LONG}},
        at_risk=Money(250_000, "USD"),
        first_seen_at=before(days=10),
        evidence={"events": [f"evt_{number:024}" for number in range(30)], LONG: [LONG]},
        reason=f"see {NUMBER}",
        moves=(
            move(BreakState.OPEN, at=before(days=10)),
            move(BreakState.ACKNOWLEDGED, BreakState.OPEN, at=before(days=9), reason=HOSTILE[2], actor=HOSTILE[0]),
            *[move(BreakState.REOPENED, BreakState.ACKNOWLEDGED, reason=f"step {step}") for step in range(70)],
        ),
    ),
    found(BreakType.CARD_MISSING_HERE, "ic_new", local={}, remote={"last4": "1881", "holder": "Ada Lovelace"}, card_id=None),
    found(BreakType.CAPTURE_AFTER_FREEZE, LONG, at_risk=Money(4_500_000, "JPY")),
    found(
        BreakType.EVENT_GAP, "אבג", state=BreakState.SNOOZED, snoozed_until=datetime(2026, 12, 1, tzinfo=UTC), reason=HOSTILE[1]
    ),
    found(
        BreakType.CARD_LIMITS, "ic_limits", local={"limits": {"daily": shape(-5, "KWD")}}, remote={"limits": {"daily": None}}
    ),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    if not (found := program()):
        pytest.skip("Chromium is not installed")
    with chromium(found, tmp_path_factory.mktemp("chromium") / "profile") as page:
        yield page


def written(directory: Path, what: Report) -> Path:
    return write_report(what, directory, [])[0]


@pytest.fixture
def page(browser: Page, tmp_path: Path) -> Page:
    """The hostile report, shown."""
    browser.medium()
    browser.resize(1280)
    browser.open(
        written(tmp_path, report(BREAKS, not_checked=[*HOSTILE, f"card {NUMBER}"], actor=HOSTILE[0], error=HOSTILE[2]))
    )
    return browser


def elsewhere(page: Page) -> list[str]:
    """What the page asked of anybody else."""
    return [address for address in page.asked if not address.startswith(("file:", "data:"))]


def test_no_complaint_and_no_request(page: Page) -> None:
    assert page.complaints == []
    assert elsewhere(page) == []
    assert page.value("document.compatMode") == "CSS1Compat"


@pytest.mark.parametrize(
    "harm",
    [
        "<script>nowhere()</script>",
        "<script>console.warn('hm')</script>",
        "<img src='http://127.0.0.1:9/x.png'>",
        "<link rel=stylesheet href='http://127.0.0.1:9/x.css'>",
    ],
)
def test_a_page_that_does_any_harm_is_seen(browser: Page, tmp_path: Path, harm: str) -> None:
    """These tests can fail: with the page's own policy it is refused aloud, without it is done and seen."""
    path = written(tmp_path, report(BREAKS))
    text = path.read_text("utf-8")
    path.write_text(text.replace("</main>", f"{harm}</main>"))
    browser.open(path)
    assert browser.complaints
    policy = text[text.index("<meta http-equiv") :].split("\n", 1)[0]
    path.write_text(text.replace(policy, "").replace("</main>", f"{harm}</main>"))
    browser.open(path)
    assert browser.complaints or elsewhere(browser)


def test_each_break_has_its_two_sides(page: Page) -> None:
    rows = page.value(
        "Object.fromEntries([...document.querySelectorAll('article.break')].map(a => [a.querySelector('.subject').textContent, "
        "[...a.querySelectorAll('.sides tbody tr')].map(r => [...r.children].map(c => c.textContent))]))"
    )
    assert len(rows) == len(BREAKS)
    assert rows["ic_new"] == [["last4", "not there", "1881"], ["holder", "not there", "Ada Lovelace"]]
    assert rows["ic_limits"] == [["limits daily", "-0.005 KWD", "–"]]
    assert rows["אבג"] == [["state", "active", "frozen"]]
    assert rows["ipi_1"][0] == ["amount", "12,500.00 USD", "15,000.00 USD"]
    assert rows["ipi_1"][2] == ["merchant name", HOSTILE[0], HOSTILE[2]]
    assert rows["ipi_1"][3][1] == "\\u202eevil\\u202c\\x1b[2J"


def test_values_become_no_markup_and_no_card_number(page: Page) -> None:
    assert page.value("document.querySelectorAll('script, img, iframe, object, form, [onerror]').length") == 0
    text = page.value("document.documentElement.outerHTML")
    assert NUMBER not in text
    assert "**** **** **** 4242" in text
    assert not {"\u202e", "\x1b"} & set(text)


def test_what_is_bounded_says_so(page: Page) -> None:
    article = "document.querySelector('#' + [...document.querySelectorAll('article')][0].id)"
    text = page.value(f"{article}.textContent")
    assert "In the JSON file: 10 more events, 22 earlier steps." in text
    assert page.value(f"{article}.querySelectorAll('li').length") == 50
    assert page.value("document.body.textContent.length") < 30_000


A4 = 688
"""Its width between the page's margins, in CSS pixels."""


@pytest.mark.parametrize(
    ("medium", "width"), [*(("screen", width) for width in (320, 360, 600, 961, 1280)), ("print", A4), ("print", 1_000)]
)
def test_nothing_scrolls_sideways(page: Page, medium: str, width: int) -> None:
    page.medium(medium)
    page.resize(width)
    wide = page.value("document.documentElement.scrollWidth")
    culprits = page.value(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('.unseen, .stack thead, .wide') "
        "&& e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120))"
    )
    assert (wide, page.value("innerWidth"), culprits) == (width, width, [])


def test_a_table_that_fits_does_not_scroll_in_its_own_room(page: Page) -> None:
    for width in (360, 961, 1280):
        page.resize(width)
        assert page.value("[...document.querySelectorAll('.wide')].every(e => e.scrollWidth <= e.clientWidth)"), width


CONTRAST = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const f = c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c[3]) return c; }
    return [255, 255, 255, 255]; };
  const found = {};
  for (const e of document.querySelectorAll('body *')) {
    const text = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    const bar = e.classList.contains('fill');
    if (!text && !bar || e.closest('title, desc, .unseen')) continue;
    const style = getComputedStyle(e), front = rgb(e.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(front), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < (bar ? 3 : 4.5)) found[e.tagName + '.' + e.getAttribute('class')] = ratio;
  }
  return found;
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("medium", ["screen", "print"])
def test_everything_can_be_read(page: Page, scheme: str, medium: str) -> None:
    page.medium(medium, scheme)
    assert page.value(CONTRAST) == {}
    dark = page.value("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
    assert dark == (scheme == "dark" and medium == "screen")


def test_the_measure_of_contrast_sees_what_is_too_pale(page: Page) -> None:
    page.value("document.querySelector('h1').style.color = '#999'")
    assert list(page.value(CONTRAST)) == ["H1.null"]


def test_headings_tables_and_charts_speak_to_a_screen_reader(page: Page) -> None:
    levels = page.value("[...document.querySelectorAll('h1, h2, h3')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= level + 1 for level, after in pairwise(levels))
    assert page.value("document.documentElement.lang") == "en"
    assert page.value("[...document.querySelectorAll('table')].every(t => t.caption && t.caption.textContent.trim())")
    assert page.value("[...document.querySelectorAll('th')].every(t => t.scope)")
    named = page.value("[...document.querySelectorAll('svg[role=img]')].map(s => s.getAttribute('aria-labelledby').split(' ')"
                       ".map(i => document.getElementById(i).textContent.trim()))")  # fmt: skip
    assert [title for title, _ in named] == ["Breaks by type", "Breaks by age"]
    assert "Capture after freeze: 1 info" in named[0][1]
    assert "7 to 30 days: 1 critical" in named[1][1]
    assert page.value("[...document.querySelectorAll('nav a')].every(a => document.querySelector(a.getAttribute('href')))")
    ids = page.value("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_bars_are_as_long_as_they_say(browser: Page, tmp_path: Path) -> None:
    kinds = [BreakType.CARD_STATE] * 4 + [BreakType.EVENT_GAP] + [BreakType.CAPTURE_AFTER_FREEZE] * 2
    browser.resize(1280)
    browser.open(written(tmp_path, report([found(kind, f"x_{number}") for number, kind in enumerate(kinds)])))
    widths = browser.value(
        "[...document.querySelectorAll('figure:first-child .fill')].map(r => Math.round(100 * r.getBoundingClientRect().width "
        "/ r.ownerSVGElement.getBoundingClientRect().width))"
    )
    assert widths == [100, 50, 25]


def test_paper_shows_a_long_history_too(page: Page) -> None:
    """A closed <details> opens when it is printed."""
    page.medium("print")
    assert page.value("document.querySelector('details:not([open]) li').checkVisibility({contentVisibilityAuto: true})")
    page.medium("screen")
    assert not page.value("document.querySelector('details:not([open]) li').checkVisibility({contentVisibilityAuto: true})")
    assert page.print().startswith(b"%PDF-")


def test_a_thousand_breaks_and_more(browser: Page, tmp_path: Path) -> None:
    browser.open(written(tmp_path, report([found(subject=f"ic_{number:05}") for number in range(1_005)])))
    assert browser.complaints == []
    assert browser.value("document.querySelectorAll('article.break').length") == 1_000
    assert "5 more are not. All are in the JSON file." in browser.value("document.querySelector('.left-out').textContent")


class _Tags(HTMLParser):
    """Every element is closed that must be, in order; without a browser."""

    EMPTY = frozenset({"meta", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<rect/>` ends itself."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_markup_is_whole(tmp_path: Path) -> None:
    tags = _Tags()
    text = written(tmp_path, report(BREAKS)).read_text("utf-8")
    tags.feed(text)
    assert tags.open == []
    assert text.startswith("<!DOCTYPE html>")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in text
