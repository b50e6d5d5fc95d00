"""Source of the service, by version."""
