"""Schemas that came from elsewhere, made into ones that always compile, always end, and never fetch anything."""
