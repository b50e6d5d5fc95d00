"""Typed contracts of operations whose handlers are not built yet.

Scenarios are checked against them; nothing can call them. Whoever builds a toolset takes its contract over into
`toolsets/<system>.py` and deletes it here.
"""
