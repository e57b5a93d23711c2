"""Marqeta's Core API v3 as a client sees it (description 3.0.39), with its simulations; no bank rules."""

from cardctl.simulator.faces.marqeta.face import MarqetaFace

__all__ = ["MarqetaFace"]
