"""One provider write or one intake each; deeds stand on operations and never on one another."""
