"""cardctl: an operations toolkit for virtual-card programmes."""

__version__ = "0.1.0"
