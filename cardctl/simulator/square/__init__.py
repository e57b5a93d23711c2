"""The far side of Square: bank rules over its own tables; its wire is in faces/square."""
