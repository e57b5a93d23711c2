"""Stripe Issuing, in five rooms: wire, client, translate, webhooks, provider."""
