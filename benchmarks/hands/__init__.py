"""The systems with writes, opened for measuring: the real toolset, and ways around it to see, change and disturb."""
