"""Telemetry -> ranked root causes. Pure."""
