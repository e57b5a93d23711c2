"""Strowallet as a client sees it: virtual cards at strowallet.com, NFC cards at ziiropay.com; no bank rules."""

from cardctl.simulator.faces.strowallet.face import StrowalletFace

__all__ = ["StrowalletFace"]
