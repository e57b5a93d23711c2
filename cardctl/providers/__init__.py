"""Strangers we talk to; every folder has the same five rooms."""
