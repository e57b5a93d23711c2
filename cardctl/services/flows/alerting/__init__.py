"""Alerts: what fires and who hears of it. `checking` does a whole check; `rules` and `spending` judge, and touch nothing."""
