"""A release that shows fresh stock of each product, and asks for it one product at a time."""
