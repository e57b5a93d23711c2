"""Reconcile: everything that a provider has is staged, compared with our books, told, mended where that is safe, and proven."""
