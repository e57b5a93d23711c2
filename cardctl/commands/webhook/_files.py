"""What the verbs of `cardctl webhook` that read files share: opening them, and what the command line says of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from cardctl.commands._options import moment
from cardctl.errors import BadFile, BadInput, NotFound

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.services.flows.ingesting.files import Found, Said

_BUFFER = 1 << 20
"""Bytes read at once: lines of several thousand are found a third faster."""
HeaderOption = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="'NAME: VALUE'", help="A header that came with the raw body; as often as there are."),
]
ReceivedOption = Annotated[
    str | None, typer.Option("--received-at", metavar="WHEN", help="When it came, where the file does not tell; else now.")
]
WhoseOption = Annotated[
    str | None,
    typer.Option("--provider", metavar="NAME", help="Whose it is, where the file does not tell; else the profile's own."),
]


def said_of(run: Run, provider: str | None, headers: Sequence[str] | None, received_at: str | None) -> Said:
    """What the command line says of all that is read; BadInput where it cannot be meant."""
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.ingesting.files import Said  # noqa: PLC0415

    if provider is not None:
        run.reception(provider)  # a wrong name is told before anything is read
    now = runtime.now()
    came = moment(received_at, now=now) if received_at else now
    return Said(provider or run.settings.provider_name, came, _headers(headers or ()))


def found_in_files(files: Sequence[str], said: Said) -> Iterator[Found]:
    """Every request in the files, of a directory's those that are files, by their names; NotFound (5) before any is read."""
    from cardctl.services.flows.ingesting.files import found_in  # noqa: PLC0415

    paths = [path for file in files for path in _paths(file)]

    def found() -> Iterator[Found]:
        for path in paths:
            with _opened(path) as stream:
                yield from found_in("stdin" if path is None else str(path), stream, said)

    return found()


def _paths(file: str) -> list[Path | None]:
    """None is standard input."""
    if file == "-":
        return [None]
    path = Path(file)
    try:
        if path.is_dir():
            return [each for each in sorted(path.iterdir()) if each.is_file()]
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}") from None
    if not path.exists():
        raise NotFound("file", file)
    return [path]


def _opened(path: Path | None) -> AbstractContextManager[BinaryIO]:
    if path is None:
        binary: BinaryIO | None = getattr(sys.stdin, "buffer", None)
        return nullcontext(binary or BytesIO(sys.stdin.read().encode("utf-8", "surrogateescape")))
    try:
        return path.open("rb", buffering=_BUFFER)
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}") from None


def _headers(texts: Sequence[str]) -> dict[str, str]:
    """By their lower-case names; one that is given again is one more value of it."""
    headers: dict[str, str] = {}
    for text in texts:
        name, colon, value = text.partition(":")
        name = name.strip().lower()
        if not (colon and name) or " " in name:
            raise BadInput("a --header is 'Name: value'", hint="--header 'Stripe-Signature: t=…,v1=…'")
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    return headers
