"""Takes OTLP, keeps an hour of it, answers questions about it."""
