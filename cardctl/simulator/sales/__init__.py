"""What customers pay at the simulated Stripe, and get back: bank rules and staff; the wire is in faces/stripe."""
