"""Zendit as a client sees it: api.zendit.io/v1 in its test mode, as far as eSIMs and the wallet go; no bank rules."""

from cardctl.simulator.faces.zendit.face import ZenditFace

__all__ = ["ZenditFace"]
