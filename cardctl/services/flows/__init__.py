"""Many deeds in a row, planned, safe to repeat; flows call deeds and never one another."""
