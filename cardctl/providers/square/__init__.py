"""Square: buyers' cards kept for a seller, and what is paid with them. It issues no cards."""
