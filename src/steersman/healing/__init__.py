"""Failure classes and fixers. Pure."""
