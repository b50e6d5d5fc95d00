"""Wiring: alone reads configuration and builds clients."""
