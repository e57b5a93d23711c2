"""The console: every result, notice, question and failure of a command goes through it. Knows no noun and no exit code."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

from cardctl.errors import BadInput, CardctlError, Refused
from cardctl.output.stream import Spool, Stream

if TYPE_CHECKING:
    from cardctl.output.grid import Grid
    from cardctl.output.progress import Meter

_WIDTH = 80
_LONGEST = 65_536


class Output(StrEnum):
    """What --output takes."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


def color_wanted(stream: TextIO, *, no_color: bool, term: str | None) -> bool:
    """False where NO_COLOR is set, TERM is dumb, or `stream` is no terminal."""
    return stream.isatty() and not no_color and term != "dumb"


class Console:
    """stdout carries the result and nothing else; notices, questions and progress go to stderr.

    `data` everywhere is a JSON dict as output/shapes.py makes them. `width` None asks the terminal; `local_time` holds for
    tables on a terminal only, all else is UTC. Writing raises what output/stream.py lists; stderr may vanish unnoticed.
    """

    def __init__(
        self,
        output: Output,
        *,
        stdout: TextIO,
        stderr: TextIO,
        stdin: TextIO,
        color: bool = False,
        width: int | None = None,
        local_time: bool = False,
    ) -> None:
        self.output = output
        self._out = Stream(stdout)
        self._stdout, self._stderr, self._stdin = stdout, stderr, stdin
        self._color, self._width, self._local = color, width, local_time
        self._warnings: list[dict[str, str]] = []
        self._meter: Meter | None = None

    @property
    def interactive(self) -> bool:
        """True where a question can be asked: stdin and stderr are terminals."""
        return self._stdin.isatty() and self._stderr.isatty()

    def notice(self, text: str) -> None:
        """One line on stderr."""
        from cardctl.output.guard import line  # noqa: PLC0415 - and so below: what an output needs not is not loaded

        if self._meter and self._meter.say(line(text)):
            return
        self._tell(line(text) + "\n")

    def warn(self, code: str, text: str) -> None:
        """A warning of the result: in the envelope's `warnings`, or on stderr where there is no envelope."""
        self._warnings.append({"code": code, "message": text})
        if self.output is not Output.JSON:
            self.notice(f"warning: {text}")

    def show(self, data: dict[str, Any], *, title: str | None = None) -> None:
        """One object; as a table two columns, field and value, under `title`."""
        if self.output is not Output.TABLE:
            self._write_one(data)
            return
        from cardctl.output.cells import fields, text  # noqa: PLC0415
        from cardctl.output.guard import clean  # noqa: PLC0415

        if title:
            self._say(title)
        pairs = [(name, text(name.rpartition(".")[2], value, local=self._local)) for name, value in fields(clean(data))]
        width = max((len(name) for name, _ in pairs), default=0)
        for name, shown in pairs:
            self._out.write(f"{name.ljust(width)}  {shown}\n")
        self._out.flush()

    def rows(
        self, items: Iterable[dict[str, Any]], columns: Sequence[str], *, limit_cut: bool | Callable[[], bool] = False
    ) -> None:
        """A list, as it comes; `columns` are the dotted names of a table. `limit_cut`, or what it returns after the last
        item, says that --limit left some out."""
        if self.output is Output.JSON:
            from cardctl.output.envelope import write_list  # noqa: PLC0415

            write_list(self._out, self._announced(items, limit_cut), self._warnings)
        elif self.output is Output.NDJSON:
            self._write_lines(self._announced(items, limit_cut))
        elif self.output is Output.CSV:
            self._write_csv(self._announced(items, limit_cut), columns)
        else:
            for piece in self._grid(columns).lines(self._announced(items, limit_cut)):
                self._out.write(piece)
        self._out.flush()

    def done(self, data: dict[str, Any], human: Sequence[str]) -> None:
        """The result of a write: `data`, or the `human` lines in place of a table."""
        if self.output is not Output.TABLE:
            self._write_one(data)
            return
        for text in human:
            self._say(text)
        self._out.flush()

    def reveal(self, data: dict[str, Any]) -> None:
        """Card numbers, as they are, for one look: Refused unless stdout is a terminal and the output a table."""
        from cardctl.domain.redaction import printable  # noqa: PLC0415

        self.check_can_reveal()
        for name, value in data.items():
            self._out.write(f"{name.replace('_', ' ')}: {printable(str(value))}\n")
        self._out.flush()

    def check_can_reveal(self, what: str = "card numbers") -> None:
        """Refused unless `reveal` and `draw` would show: asked before `what` is."""
        if not self.shows_secrets:
            raise Refused(f"{what} are shown on a terminal only", hint="no pipe, no file, no --output")

    @property
    def colored(self) -> bool:
        """Whether stdout takes colours."""
        return self._color

    @property
    def shows_secrets(self) -> bool:
        """Whether what is for one look may be shown: stdout is a terminal, and the output a table."""
        return self._out.terminal and self.output is Output.TABLE

    def draw(self, lines: str) -> None:
        """A picture made of letters, as it is, for one look; nothing where it may not be shown."""
        if self.shows_secrets:
            self._out.write(lines)
            self._out.flush()

    def fail(self, error: CardctlError) -> None:
        """A failure: its envelope on stdout (json, and ndjson as the last line), else two lines on stderr."""
        if self.output in {Output.JSON, Output.NDJSON}:
            from cardctl.output.envelope import failed  # noqa: PLC0415

            self._out.write_bytes(failed(error))
            self._out.flush()
            return
        self.notice(f"error: {error.message}")
        if error.hint:
            self.notice(f"hint: {error.hint}")

    def ask(self, question: str, expected: str) -> bool:
        """True where a person at the terminal typed exactly `expected`; never without a terminal, and never by just Enter."""
        if not self.interactive:
            return False
        from cardctl.output.guard import line  # noqa: PLC0415

        self._tell(f"{line(question)} ")
        return bool(expected) and self._stdin.readline().strip() == expected

    def hidden(self, question: str) -> str:
        """What is typed at the terminal, without echo, or all of stdin where that is none; without the newline at its end.

        BadInput where the terminal cannot keep it from being seen, or where it is longer than any secret.
        """
        if not self._stdin.isatty():
            text = self._stdin.read(_LONGEST + 1)
        else:
            from getpass import GetPassWarning, getpass  # noqa: PLC0415
            from warnings import catch_warnings, simplefilter  # noqa: PLC0415

            with catch_warnings():
                simplefilter("error", GetPassWarning)
                try:
                    text = getpass(f"{question}: ", stream=self._stderr)
                except GetPassWarning:
                    raise BadInput("this terminal would show what is typed", hint="give it on stdin") from None
        if len(text) > _LONGEST:
            raise BadInput(f"a secret has at most {_LONGEST} characters")
        return text.removesuffix("\n").removesuffix("\r")

    @contextmanager
    def progress(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Gives a function that counts what is done; shown after a second, and on a terminal only."""
        if not self._stderr.isatty():
            yield lambda _count: None
            return
        from cardctl.output.guard import line  # noqa: PLC0415
        from cardctl.output.progress import Meter  # noqa: PLC0415

        self._meter = meter = Meter(self._stderr, line(label), total, color=self._color)
        meter.start()
        try:
            yield meter.advance
        finally:
            meter.stop()
            self._meter = None

    def _say(self, text: str) -> None:
        from cardctl.output.guard import line  # noqa: PLC0415

        self._out.write(line(text) + "\n")

    def _tell(self, text: str) -> None:
        with suppress(OSError, ValueError):  # nobody reads stderr any more: no reason to stop
            self._stderr.write(text)
            self._stderr.flush()

    def _announced(self, items: Iterable[dict[str, Any]], limit_cut: bool | Callable[[], bool]) -> Iterator[dict[str, Any]]:
        count = 0
        for item in items:
            count += 1
            yield item
        if limit_cut() if callable(limit_cut) else limit_cut:
            self.warn("LIMIT_CUT", f"--limit cut this list after {count}; there is more")

    def _write_one(self, data: dict[str, Any]) -> None:
        from cardctl.output.envelope import encode, success  # noqa: PLC0415

        if self.output is Output.CSV:
            self._write_csv([data], ())
        else:
            self._out.write_bytes(success(data, self._warnings) if self.output is Output.JSON else encode(data) + b"\n")
        self._out.flush()

    def _write_lines(self, items: Iterable[dict[str, Any]]) -> None:
        from cardctl.output.envelope import encode  # noqa: PLC0415

        for item in items:
            self._out.write_bytes(encode(item) + b"\n")
            if self._out.terminal:
                self._out.flush()

    def _write_csv(self, items: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
        from csv import writer  # noqa: PLC0415

        from cardctl.output.cells import csv_paths, csv_row  # noqa: PLC0415

        paths: list[tuple[str, ...]] = []
        with Spool() as spool:
            table = writer(spool, lineterminator="\n")
            for item in items:
                if not paths:
                    paths = csv_paths(item)
                    table.writerow("_".join(path) for path in paths)
                table.writerow(csv_row(item, paths))
            if not paths:
                table.writerow(name.replace(".", "_") for name in columns)
            spool.pour(self._out)

    def _grid(self, columns: Sequence[str]) -> Grid:
        from cardctl.output.grid import Grid  # noqa: PLC0415

        terminal = self._out.terminal
        return Grid(columns, terminal=terminal, color=self._color, width=self._columns(), local=self._local and terminal)

    def _columns(self) -> int:
        if self._width:
            return self._width
        try:
            return os.get_terminal_size(self._stdout.fileno()).columns or _WIDTH
        except (OSError, ValueError):
            return _WIDTH
