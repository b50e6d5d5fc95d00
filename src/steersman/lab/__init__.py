"""The practice environment: real processes, real traffic, injectable faults."""
