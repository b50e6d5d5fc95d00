"""Shipped doubles, scripted models, conformance suites."""
