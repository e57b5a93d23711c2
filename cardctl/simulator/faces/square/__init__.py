"""Square as a client sees it: connect.squareup.com and its sandbox, version 2025-08-20; no bank rules."""

from cardctl.simulator.faces.square.face import SquareFace

__all__ = ["SquareFace"]
