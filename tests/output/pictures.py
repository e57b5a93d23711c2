"""Reads QR codes back as a phone would: from a PNG of black and white, and from what is drawn on a terminal."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence

import zxingcpp

_HALVES = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}
_LINE = re.compile(r"\x1b\[38;5;16;48;5;231m(.*)\x1b\[0m")
_SIZE = 4
"""Pixels a module, where the modules are known."""


def text_of_png(data: bytes) -> str:
    """What the code in a PNG says: one bit a pixel, no palette, no interlace."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = dict[bytes, bytes](), 8
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        chunks[name] = chunks.get(name, b"") + data[at + 8 : at + 8 + length]
        at += length + 12
    width, height, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind == [1, 0, 0, 0, 0]
    lines, stride = zlib.decompress(chunks[b"IDAT"]), (width + 7) // 8 + 1
    rows, above = [], bytes(stride - 1)
    for row in range(height):
        filtered, *line = lines[row * stride : (row + 1) * stride]
        assert filtered in (0, 2)  # as it is, or what differs from the line above
        above = bytes(line) if filtered == 0 else bytes((one + other) % 256 for one, other in zip(line, above, strict=True))
        rows.append([not above[x // 8] >> (7 - x % 8) & 1 for x in range(width)])
    return _read(rows)


def text_of_drawing(drawn: str, *, color: bool) -> str:
    """What the code on a terminal says, to an eye that sees black ink on white where there is colour, and else light ink on a
    dark ground."""
    dark: list[list[bool]] = []
    for line in drawn.splitlines():
        if color:
            found = _LINE.fullmatch(line)
            assert found, line
            pairs = [_HALVES[letter] for letter in found[1]]
            dark += [[upper for upper, _ in pairs], [lower for _, lower in pairs]]
        else:
            assert line.isascii()
            dark.append([line[at : at + 2] == "  " for at in range(0, len(line), 2)])
    return _read([[each for each in row for _ in range(_SIZE)] for row in dark for _ in range(_SIZE)])


def _read(dark: Sequence[Sequence[bool]]) -> str:
    shape = (len(dark), len(dark[0]))
    image = memoryview(bytes(0 if each else 255 for row in dark for each in row)).cast("B", shape=shape)
    (found,) = zxingcpp.read_barcodes(image, try_invert=False, try_rotate=False)
    return str(found.text)
