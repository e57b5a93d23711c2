"""Stripe: Issuing, in five rooms (wire, client, translate, webhooks, provider), and what customers pay in rooms beside them."""
