"""THE way to call an operation: every guard, in a fixed order."""
