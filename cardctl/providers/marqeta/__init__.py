"""Marqeta's Core API as a provider (described as 3.0.39): users are accounts, and money lies with the user, not the card."""
