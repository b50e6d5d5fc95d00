"""Parse, call App, render."""
