"""Comparing two sides of one programme, purely: what a side is, what differs, and what in a card's life is out of order."""
