"""A paid order on its way to a delivered eSIM, or back to its customer: each step once, whatever dies in between."""
