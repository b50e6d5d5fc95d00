"""Run a plan: local (LangGraph)."""
