"""Takes the money."""
