"""A console over strings, for tests of what is written."""

from __future__ import annotations

import io

from cardctl.output.console import Console, Output


class Desk:
    """A console over strings."""

    def __init__(self, output: Output) -> None:
        self.out, self.err, self.keys = io.StringIO(), io.StringIO(), io.StringIO()
        self.console = Console(output, stdout=self.out, stderr=self.err, stdin=self.keys, width=200)

    @property
    def said(self) -> tuple[str, str]:
        return self.out.getvalue(), self.err.getvalue()
