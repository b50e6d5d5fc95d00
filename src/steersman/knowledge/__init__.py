"""Scenario schema, ranking, fusion. Pure."""
