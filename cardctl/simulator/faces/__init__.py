"""The providers' wire formats over the far side's books; no bank rules."""
