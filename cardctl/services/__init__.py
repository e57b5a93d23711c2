"""What a person wants done, one file each: deeds (one provider write or intake) and flows (many deeds)."""
