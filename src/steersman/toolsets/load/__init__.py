"""Any load generator as a toolset: its process, the folder of its runs, its operations."""
