"""Files of events: what is in them, what becomes of it, and how a kept event is written into one."""
