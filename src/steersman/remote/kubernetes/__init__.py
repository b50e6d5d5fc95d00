"""The Kubernetes API over httpx, for every toolset that stands on it: access, objects, watches, careful changes."""
