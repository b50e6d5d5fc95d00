"""Steersman: a DevOps agent that plans, asks, acts, watches and undoes."""

__version__ = "0.1.0"
