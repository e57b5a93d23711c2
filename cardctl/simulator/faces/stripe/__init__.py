"""Stripe Issuing as a client sees it (API 2026-10-28.endive); no bank rules."""

from cardctl.simulator.faces.stripe.face import StripeFace

__all__ = ["StripeFace"]
