"""`cardctl esim reconcile`."""


def reconcile() -> None:
    """Not yet."""
