"""The release as it should have been: guests collect plain points, and notes stay out of the log."""
