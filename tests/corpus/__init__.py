"""The break corpus: clean books with every normal life of a card, breaks planted in them, and the truth about each.

Not in it are the types that no comparison of two sides finds: `event_gap`, `event_failed`, `operation_in_doubt`, `float_low`.
"""
