"""The endpoint that tops Zendit's wallet up with a card: cardctl's own protocol, described in the README."""

from cardctl.simulator.faces.topup.face import TopUpFace

__all__ = ["TopUpFace"]
