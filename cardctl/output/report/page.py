"""The report as one HTML page that needs nothing else: no script, no network, its style within. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from cardctl.domain.breaks import Break
from cardctl.output.report.figures import MEASURES
from cardctl.output.report.material import Report
from cardctl.output.report.tally import GRAVEST_FIRST, Tally
from cardctl.output.report.view import view

if TYPE_CHECKING:
    from jinja2 import Template

_PIECES = 64
"""So many pieces of the template are joined before they are written."""


def write_page(file: TextIO, report: Report, tally: Tally, gravest: Sequence[Break]) -> None:
    """The page of a reconcile run."""
    stream = template("page.html").stream(
        view=view(report, tally, gravest),
        measures=[name for _, name in MEASURES],
        severities=[severity.value for severity in GRAVEST_FIRST],
    )
    stream.enable_buffering(_PIECES)
    file.writelines(stream)


def template(name: str) -> Template:
    """A page to be filled in. Everything is escaped by the template engine: nothing that a value says can become markup."""
    import jinja2  # noqa: PLC0415 - only a report needs it

    room = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return room.get_template(name)
