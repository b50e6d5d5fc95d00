"""Series -> three-valued verdicts. Pure."""
