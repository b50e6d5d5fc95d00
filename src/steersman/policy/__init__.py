"""Rules as data -> decision. Pure."""
