"""Queries as data: matchers, PromQL, LogQL and TraceQL whose values are escaped by code. Pure."""
