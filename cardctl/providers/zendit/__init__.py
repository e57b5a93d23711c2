"""Zendit: eSIMs, bought out of a wallet. It issues no cards, and nobody can fill its wallet by API."""
