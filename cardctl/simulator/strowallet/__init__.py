"""Strowallet's own books and rules behind its face; no wire."""
