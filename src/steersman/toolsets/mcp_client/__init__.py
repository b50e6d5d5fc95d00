"""Tools of MCP servers as operations: what was approved, and nothing that has changed since."""
