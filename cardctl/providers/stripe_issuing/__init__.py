"""Stripe: Issuing, in five rooms (wire, client, translate, webhooks, provider), and customers' payments in rooms beside them."""
