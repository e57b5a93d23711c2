"""What another system knew, taken into our books: its cards, and the history of its webhooks."""
