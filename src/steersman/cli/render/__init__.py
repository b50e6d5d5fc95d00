"""Facts to what people look at. Text from telemetry is escaped here and marked as untrusted."""
