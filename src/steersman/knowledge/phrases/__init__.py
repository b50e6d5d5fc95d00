"""Text of scenarios made typed by code: conditions and steps, in Korean and English. What is not certain stays text."""
