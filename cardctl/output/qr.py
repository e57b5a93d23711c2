"""QR codes, drawn by segno: as PNG, as SVG, on a terminal. What they say is a secret, and in no error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cardctl.domain.redaction import Secret
from cardctl.errors import BadInput, Refused
from cardctl.output.files import check_name, write_bytes

if TYPE_CHECKING:
    import segno

_QUIET = 4
"""Modules of margin that ISO/IEC 18004 asks for."""
_QUIET_IN_LETTERS = 2
"""What readers are content with: a module is two letters wide, and a line has eighty."""
_PIXELS = 8
_DARK_ON_LIGHT, _PLAIN = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
"""Black and white of the fixed colours, which no theme of a terminal changes."""
_HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def png(text: str) -> bytes:
    """The code of a text as PNG: black on white, eight pixels a module. BadInput where the text is too long."""
    return _picture(text, "png")


def svg(text: str) -> bytes:
    """The code of a text as an SVG document. BadInput as `png`."""
    return _picture(text, "svg")


def drawn(text: str, *, color: bool) -> str:
    """The code of a text for a terminal, lines that each end in a newline. BadInput as `png`.

    With `color` it is black on white, two modules to a letter, whatever the terminal's own colours are. Without, it is plain
    ASCII: what is light is inked, since most terminals write light on dark; readers know the reverse, too.
    """
    rows = [[bool(module) for module in row] for row in _made(text).matrix_iter(border=_QUIET if color else _QUIET_IN_LETTERS)]
    if not color:
        return "".join("".join("  " if dark else "##" for dark in row) + "\n" for row in rows)
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    lines = ("".join(_HALVES[pair] for pair in zip(upper, lower, strict=True)) for upper, lower in pairs)
    return "".join(f"{_DARK_ON_LIGHT}{line}{_PLAIN}\n" for line in lines)


def check_can_save(path: Path, *, force: bool) -> None:
    """Asked before anything is bought, or revealed: BadInput for another kind of file than PNG or SVG, by its name; Refused
    where the name is taken, unless `force`. BadFile as `files.whole_file`."""
    if path.suffix.lower() not in _KINDS:
        raise BadInput(f"{path.name!r} is no name for a QR code", hint="a name that ends in .png or .svg")
    check_name(path, force=force)


def save(path: Path, *, activation: Secret | None, picture: bytes | None, force: bool) -> None:
    """The QR code into a new file, 0600: PNG or SVG by the file's name. `picture` is the supplier's own PNG, taken where there
    is no text to draw.

    Errors as `check_can_save`; Refused also where an SVG cannot be made of what is there. Errors of writing as
    `files.write_bytes`.
    """
    check_can_save(path, force=force)
    kind = path.suffix.lower()
    if activation is not None:
        data = _KINDS[kind](activation.reveal())
    elif picture is None:
        raise Refused("there is no QR code yet")
    elif kind == ".svg":
        raise Refused("the supplier gave this QR code as a picture only", hint="save it as .png")
    else:
        data = picture
    write_bytes(path, data, force=force)


_KINDS = {".png": png, ".svg": svg}


def _picture(text: str, kind: str) -> bytes:
    from io import BytesIO  # noqa: PLC0415

    file = BytesIO()
    light = {"light": "white"} if kind == "svg" else {}
    _made(text).save(file, kind=kind, scale=_PIXELS, border=_QUIET, **light)
    return file.getvalue()


def _made(text: str) -> segno.QRCode:
    """As small as it can be, and then as forgiving as that size allows."""
    import segno  # noqa: PLC0415 - only who draws needs it

    try:
        return segno.make_qr(text, error="l", boost_error=True)
    except (ValueError, UnicodeError):  # which say what the text is
        raise BadInput("this is no text that a QR code can hold") from None
