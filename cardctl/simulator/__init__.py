"""Somebody else's bank: the far side of every provider, in a file of its own; shares no code with the adapters."""
