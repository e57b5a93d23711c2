"""Zendit behind its wire: the shop, the wallet with its ledger, purchases on their way, reports, and who is told."""
