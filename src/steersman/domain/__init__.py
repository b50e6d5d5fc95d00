"""Facts, ids, errors and ports. Standard library and pydantic only; every other package may import it."""
