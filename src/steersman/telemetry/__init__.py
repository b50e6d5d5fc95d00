"""Steersman's own metrics, traces and logs."""
